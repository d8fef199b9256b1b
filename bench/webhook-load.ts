/**
 * Sends signed webhooks to a server at a steady rate, and reads which of them the server worked on.
 *
 * Invariants:
 * - The rate does not depend on the server, because GitHub does not wait for it either.
 * - A response is timed from the start of its request to the last byte.
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
  /** The line that the server appends to its file when it has worked on this webhook. */
  readonly mark: string;
}

export interface Sent {
  readonly webhook: Webhook;
  /** Undefined when no response came. */
  readonly status: number | undefined;
  readonly tookMs: number;
}

export interface Serving {
  readonly child: ChildProcess;
  readonly port: number;
  readonly ended: Promise<number | null>;
}

const SECRET = "a secret for benchmarks";
const REPOSITORIES = 20;

/** Push events for several repositories, made from GitHub's own example. */
export function makeWebhooks(count: number): Webhook[] {
  const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as {
    readonly name: string;
    readonly examples: readonly { readonly repository: object }[];
  }[];
  const pushExample = examples.find(({ name }) => name === "push")?.examples[0];
  if (!pushExample) throw new Error("@octokit/webhooks-examples has no example of a push");
  return Array.from({ length: count }, (_, index) => {
    const mark = String(index + 1).padStart(40, "0");
    const repository = { ...pushExample.repository, id: 1 + (index % REPOSITORIES) };
    const body = JSON.stringify({ ...pushExample, repository, after: mark });
    return { id: randomUUID(), body, mark, signature: sign(body) };
  });
}

export const sign = (body: string, secret = SECRET): string =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

/** The environment of a server that has credentials and cannot reach GitHub. */
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

/** Starts the server, and resolves when it listens. Rejects when the server exits before that. */
export function startServer(
  program: string,
  env: Record<string, string>,
  ...args: readonly string[]
): Promise<Serving> {
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return new Promise((resolve, reject) => {
    child.stdout.once("data", (chunk: Buffer) => resolve({ child, port: Number(chunk.toString()), ended }));
    void ended.then((code) => reject(new Error(`the server exited with ${code}: ${stderr}`)));
  });
}

/** Sends each webhook at its time. Resolves when each has a response or an error. */
export async function sendAll(
  port: () => number,
  webhooks: readonly Webhook[],
  perSecond: number,
): Promise<Sent[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const start = performance.now();
  const sending: Promise<Sent>[] = [];
  for (const [index, webhook] of webhooks.entries()) {
    const waitMs = start + (index * 1000) / perSecond - performance.now();
    if (waitMs > 0) {
      await new Promise((resolve) => {
        setTimeout(resolve, waitMs);
      });
    }
    sending.push(send(port(), webhook, agent));
  }
  const sent = await Promise.all(sending);
  agent.destroy();
  return sent;
}

/** Sends one webhook. Never rejects: a failed request has no status. */
export function send(port: number, webhook: Webhook, agent?: Agent): Promise<Sent> {
  const start = performance.now();
  return new Promise((resolve) => {
    const end = (status: number | undefined) =>
      resolve({ webhook, status, tookMs: performance.now() - start });
    const outgoing = request(
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
    outgoing.once("error", () => end(undefined));
    outgoing.end(webhook.body);
  });
}

/** How often the server worked on each webhook, by mark. */
export function readWorked(dir: string): Map<string, number> {
  const path = join(dir, "worked");
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  const times = new Map<string, number>();
  for (const line of lines) times.set(line, (times.get(line) ?? 0) + 1);
  return times;
}

/** Waits until the server has worked on all, at most `ms`. Returns those that are still missing. */
export async function untilWorked(dir: string, all: readonly Webhook[], ms: number): Promise<Webhook[]> {
  const end = performance.now() + ms;
  for (;;) {
    const worked = readWorked(dir);
    const missing = all.filter(({ mark }) => !worked.has(mark));
    if (missing.length === 0 || performance.now() > end) return missing;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}
