/**
 * Signed webhooks, sent at a steady rate, and what became of each.
 *
 * What must hold: the rate is kept whatever the server does, as GitHub keeps it; an answer is timed
 * from the moment its request begins to its last byte.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createHmac, generateKeyPairSync, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

export interface Webhook {
  readonly id: string;
  readonly body: string;
  readonly signature: string;
  /** By which the server writes down that it worked on it. */
  readonly mark: string;
}

export interface Sent {
  readonly webhook: Webhook;
  /** Undefined: no answer came. */
  readonly status: number | undefined;
  readonly tookMs: number;
}

export interface Serving {
  readonly child: ChildProcess;
  readonly port: number;
  readonly ended: Promise<number | null>;
}

const SECRET = "a secret of the load";
const REPOSITORIES = 20;

/** Pushes to a few repositories, from GitHub's own example of one. */
export function makeWebhooks(count: number): Webhook[] {
  const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as {
    readonly name: string;
    readonly examples: readonly { readonly repository: object }[];
  }[];
  const push = examples.find(({ name }) => name === "push")?.examples[0];
  if (!push) throw new Error("there is no example of a push");
  return Array.from({ length: count }, (_, n) => {
    const mark = String(n + 1).padStart(40, "0");
    const repository = { ...push.repository, id: 1 + (n % REPOSITORIES) };
    const body = JSON.stringify({ ...push, repository, after: mark });
    return { id: randomUUID(), body, mark, signature: sign(body) };
  });
}

export const sign = (body: string, secret = SECRET): string =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

/** The environment of a server that knows the secret, and reaches no GitHub. */
export function environmentOfServer(): Record<string, string> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    PATH: process.env["PATH"] ?? "",
    APP_ID: "1",
    PRIVATE_KEY: privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
    WEBHOOK_SECRET: SECRET,
    GITHUB_API_URL: "http://127.0.0.1:9",
  };
}

/** Starts the server, and resolves when it listens. */
export function startServer(
  program: string,
  env: Record<string, string>,
  ...args: readonly string[]
): Promise<Serving> {
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return new Promise((resolve, reject) => {
    child.stdout.once("data", (chunk: Buffer) => resolve({ child, port: Number(chunk.toString()), ended }));
    void ended.then((code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
}

/** Sends each at its time; resolves when every one was answered, or was not. */
export async function sendAll(
  port: () => number,
  webhooks: readonly Webhook[],
  perSecond: number,
): Promise<Sent[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const began = performance.now();
  const sending: Promise<Sent>[] = [];
  for (const [n, webhook] of webhooks.entries()) {
    const wait = began + (n * 1000) / perSecond - performance.now();
    if (wait > 0) {
      await new Promise((resolve) => {
        setTimeout(resolve, wait);
      });
    }
    sending.push(send(port(), webhook, agent));
  }
  const sent = await Promise.all(sending);
  agent.destroy();
  return sent;
}

export function send(port: number, webhook: Webhook, agent?: Agent): Promise<Sent> {
  const began = performance.now();
  return new Promise((resolve) => {
    const end = (status: number | undefined) =>
      resolve({ webhook, status, tookMs: performance.now() - began });
    const asked = request(
      {
        host: "127.0.0.1",
        port,
        method: "POST",
        path: "/api/github/webhooks",
        ...(agent ? { agent } : {}),
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(webhook.body),
          "x-github-delivery": webhook.id,
          "x-github-event": "push",
          "x-hub-signature-256": webhook.signature,
        },
      },
      (response) => {
        response.resume();
        response.once("end", () => end(response.statusCode));
        response.once("error", () => end(undefined));
      },
    );
    asked.once("error", () => end(undefined));
    asked.end(webhook.body);
  });
}

/** How often each was worked on, by its mark. */
export function readWorked(dir: string): Map<string, number> {
  const path = join(dir, "worked");
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  const times = new Map<string, number>();
  for (const line of lines) times.set(line, (times.get(line) ?? 0) + 1);
  return times;
}

/** Waits until all were worked on, for `ms` at most. Those that were not. */
export async function untilWorked(dir: string, all: readonly Webhook[], ms: number): Promise<Webhook[]> {
  const end = performance.now() + ms;
  for (;;) {
    const worked = readWorked(dir);
    const left = all.filter(({ mark }) => !worked.has(mark));
    if (left.length === 0 || performance.now() > end) return left;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}
