/**
 * A fake GitHub on the loopback: an emulator for issues, labels, comments and pull requests behind a
 * thin server that adds reactions, check runs, ETags, rate limits, rejected tokens and faults.
 *
 * Invariants:
 * - It speaks real HTTP, and ends with its test.
 * - A request that GitHub does not document fails the test.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createEmulator } from "emulate";
import { expect, onTestFinished } from "vitest";
import { requestProblems } from "./github-openapi.ts";
import type { Answer } from "./fake-signer.ts";
import { Pulls } from "./fake-pull-requests.ts";
import { PRIVATE_KEY } from "./webhooks.ts";

export const TOKEN = "token-of-the-bot";
/** The login of the account behind TOKEN. */
export const BOT = "trailhand-bot";
/** The installed App: its account and the number of its installation. */
export const APP = { id: 77, slug: "trailhand", login: "trailhand[bot]", installation: 7 };
export const OWNER = "octo";
export const NAME = "shop";

export interface Asked {
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  readonly body: unknown;
  readonly token: string;
  /** The status of the response. */
  status: number;
}

export interface Fault {
  readonly method?: string;
  readonly path?: RegExp;
  /** 0 cuts the connection. */
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message?: string;
  /** The response body instead of a message. */
  readonly data?: unknown;
  /** True to perform the request before the error response. */
  readonly runs?: boolean;
  times?: number;
}

export interface FakeGitHub {
  /** For GITHUB_API_URL. */
  readonly url: string;
  /** The account of TOKEN. */
  readonly botId: number;
  readonly asked: readonly Asked[];
  /** The requests since the last `forget` that write. */
  writes(): Asked[];
  forget(): void;
  trouble(fault: Fault): void;
  /** Rejected tokens. */
  readonly refused: Set<string>;
  /** A request by another account: neither checked nor recorded in `asked`. */
  as(login: string, method: string, path: string, body?: object): Promise<unknown>;
  /** Adds a handler, which returns undefined for requests that it does not handle. */
  also(answer: (method: string, path: string, body: unknown) => Answer | undefined): void;
  /** Sets the repository with the commits of pull requests. */
  repository(far: string): void;
  /** Check runs and reactions, which the emulator does not keep. */
  readonly checks: readonly Stored[];
  readonly reactions: readonly Stored[];
}

export type Stored = Record<string, unknown>;

const ROOT = `/repos/${OWNER}/${NAME}`;
const tokenOf = (login: string) => (login === BOT ? TOKEN : `token-of-${login}`);

/** Starts a fake GitHub with the repository octo/shop until the test ends. */
export async function startFakeGitHub(): Promise<FakeGitHub> {
  const logins = [OWNER, BOT, "stranger"];
  const permissions = {
    contents: "write",
    issues: "write",
    checks: "write",
    pull_requests: "write",
    metadata: "read",
  };
  const emulator = await createEmulator({
    service: "github",
    port: 0,
    seed: {
      tokens: Object.fromEntries(logins.map((login) => [tokenOf(login), { login, scopes: ["repo"] }])),
      github: {
        users: [...logins, APP.login, "github-actions[bot]"].map((login) => ({ login })),
        repos: [{ owner: OWNER, name: NAME, auto_init: true }],
        apps: [
          {
            app_id: APP.id,
            slug: APP.slug,
            name: "Trailhand",
            private_key: PRIVATE_KEY,
            permissions,
            installations: [{ installation_id: APP.installation, account: OWNER, permissions }],
          },
        ],
      },
    },
  });
  const shelf = new Shelf();
  const asked: Asked[] = [];
  const faults: Fault[] = [];
  const problems: string[] = [];
  const refused = new Set<string>();
  const further: Parameters<FakeGitHub["also"]>[0][] = [];

  const pass = async (method: string, path: string, token: string, body: unknown): Promise<Answer> => {
    const response = await fetch(`${emulator.url}${path}`, {
      method,
      headers: {
        authorization: `${token.split(".").length === 3 ? "Bearer" : "token"} ${token}`,
        "content-type": "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, data: text === "" ? undefined : (JSON.parse(text) as unknown) };
  };
  const as = async (login: string, method: string, path: string, body?: object): Promise<unknown> => {
    const { status, data } = await passAll(method, path, tokenOf(login), body);
    if (status >= 400) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(data)}`);
    return data;
  };
  /** On GitHub a pull request is also an issue; the emulator gets one under another number. */
  const twins = new Map<string, string>();
  const passAsIssue = async (method: string, path: string, token: string, body: unknown): Promise<Answer> => {
    const [, number = "", rest = ""] = new RegExp(`^${ROOT}/issues/(\\d+)(.*)$`).exec(path) ?? [];
    const pull = number === "" ? undefined : await pass("GET", `${ROOT}/pulls/${number}`, TOKEN, undefined);
    if (pull?.status !== 200) return pass(method, path, token, body);
    if (!twins.has(number)) {
      const made = (await as(BOT, "POST", `${ROOT}/issues`, { title: `pull ${number}` })) as {
        number: number;
      };
      twins.set(number, String(made.number));
    }
    const { status, data } = await pass(method, `${ROOT}/issues/${twins.get(number)}${rest}`, token, body);
    const { state } = pull.data as { state: string };
    const own = { number: Number(number), pull_request: {}, state };
    return { status, data: rest === "" && status === 200 ? { ...(data as object), ...own } : data };
  };

  const pulls = new Pulls(ROOT);
  const passAll = (method: string, path: string, token: string, body: unknown): Promise<Answer> =>
    pulls.through(method, path, body, (...asked) => passAsIssue(asked[0], asked[1], token, asked[2]));
  const bot = (await as(BOT, "GET", "/user")) as { id: number };
  const app = (await as(BOT, "GET", `/users/${encodeURIComponent(APP.login)}`)) as { id: number };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? "/";
    const method = request.method ?? "GET";
    const text = await readBody(request);
    const body = text === "" ? undefined : (JSON.parse(text) as unknown);
    const token = (request.headers.authorization ?? "").replace(/^\w+ /, "");
    const one: Asked = { method, path, body, token, status: 0 };
    asked.push(one);
    problems.push(...requestProblems(method, path, body));
    const fault = faults.find(
      (each) =>
        (each.times ?? 1) > 0 && (each.method ?? method) === method && (each.path?.test(path) ?? true),
    );
    if (fault) fault.times = (fault.times ?? 1) - 1;
    const done = async () =>
      further.map((answer) => answer(method, path, body)).find((one) => one !== undefined) ??
      shelf.answer(method, path, body, token === TOKEN ? bot : app) ??
      (await passAll(method, path, token, body));
    if (fault?.runs) await done();
    if (fault?.status === 0) return void request.socket.destroy();
    const answer: Answer = fault
      ? { status: fault.status, data: fault.data ?? { message: fault.message ?? "a fault" } }
      : refused.has(token)
        ? { status: 401, data: { message: "Bad credentials" } }
        : await done();
    one.status = send(request, response, answer, fault?.headers ?? answer.headers);
  };
  const server = createServer((request, response) => {
    request.on("error", () => undefined);
    serve(request, response).catch((error: unknown) => response.writeHead(599).end(String(error)));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await emulator.close();
    expect(problems).toEqual([]);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    botId: bot.id,
    asked,
    writes: () => asked.filter(({ method }) => method !== "GET"),
    forget: () => void asked.splice(0),
    trouble: (fault) => void faults.push(fault),
    refused,
    as,
    repository: (far) => void (pulls.far = far),
    also: (answer) => void further.push(answer),
    checks: shelf.checks,
    reactions: shelf.reactions,
  };
}

/** Handles the features that the emulator lacks. */
class Shelf {
  readonly checks: Stored[] = [];
  readonly reactions: Stored[] = [];

  /** Undefined for a request to the emulator. */
  answer(method: string, url: string, body: unknown, user: object): Answer | undefined {
    const { pathname: path } = new URL(url, "http://127.0.0.1");
    const given = (body ?? {}) as Stored;
    const location = new RegExp(`^${ROOT}/(.+)/reactions$`).exec(path)?.[1];
    if (location !== undefined) return this.#reaction(method, location, given, user);
    const ref = new RegExp(`^${ROOT}/commits/([^/]+)/check-runs$`).exec(path)?.[1];
    if (ref !== undefined) {
      const found = this.checks.filter((check) => check["head_sha"] === ref);
      return { status: 200, data: { total_count: found.length, check_runs: found } };
    }
    if (method === "POST" && path === `${ROOT}/check-runs`) {
      const check = { id: this.checks.length + 1, conclusion: null, app: { id: APP.id }, ...given };
      this.checks.push(check);
      return { status: 201, data: check };
    }
    const id = new RegExp(`^${ROOT}/check-runs/(\\d+)$`).exec(path)?.[1];
    const check = id === undefined ? undefined : this.checks[Number(id) - 1];
    return check ? { status: 200, data: Object.assign(check, given) } : undefined;
  }

  #reaction(method: string, location: string, { content }: Stored, user: object): Answer {
    const here = this.reactions.filter((one) => one["location"] === location);
    if (method === "GET") return { status: 200, data: here };
    const known = here.find((one) => one["content"] === content);
    if (known) return { status: 200, data: known };
    const made = { id: this.reactions.length + 1, location, content, user };
    this.reactions.push(made);
    return { status: 201, data: made };
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, data }: Answer,
  headers: Readonly<Record<string, string>> = {},
): number {
  const text = data === undefined ? "" : JSON.stringify(data);
  const etag = `"${createHash("sha256").update(text).digest("hex").slice(0, 16)}"`;
  const isKnown = request.method === "GET" && status === 200 && request.headers["if-none-match"] === etag;
  const real = isKnown ? 304 : status;
  response.writeHead(real, {
    "content-type": "application/json",
    ...(status === 200 ? { etag } : {}),
    ...headers,
  });
  response.end(isKnown || status === 204 ? "" : text);
  return real;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
