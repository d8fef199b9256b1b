/**
 * A real smart-HTTP git server on the loopback: node in front of `git http-backend`.
 *
 * Invariants:
 * - Every response comes from git, unless a test injects a fault.
 * - The server ignores git configuration of the user and the system.
 * - A test must not run git against it with `execFileSync`, which blocks the server's own process.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { onTestFinished } from "vitest";

export type Kind = "info/refs" | "git-upload-pack" | "git-receive-pack";

/** A fault to inject into a request. */
export type Trouble =
  /** The connection is cut before the request reaches git. */
  | "cut"
  /** git performs the request, then the connection is cut, so the response is lost. */
  | "lose"
  /** The request is read and never answered. */
  | "silence"
  | { readonly delayMs: number }
  | { readonly status: number; readonly text: string };

export interface Asked {
  readonly kind: Kind;
  /** `git-upload-pack` or `git-receive-pack`. */
  readonly service: string;
  /** The command of protocol version 2: `ls-refs` or `fetch`. */
  command: string | undefined;
  /** Names and values alternate, as received. */
  readonly headers: readonly string[];
  readonly encoded: boolean;
}

export interface GitHttp {
  /** The URL of the repository in this folder. */
  url(name: string, credentials?: string): string;
  /** All requests in order, including rejected ones. */
  readonly asked: readonly Asked[];
  /** The number of requests of a kind since the last `forget`. */
  count(kind: Kind, command?: string): number;
  forget(): void;
  /** Injects a fault into the next `times` requests of a kind. `service` narrows it to one service. */
  trouble(kind: Kind, what: Trouble, how?: { readonly times?: number; readonly service?: string }): void;
  /** Removes all faults. */
  heal(): void;
  /** Stops the server, so that later connections fail. */
  close(): Promise<void>;
}

interface Fault {
  readonly kind: Kind;
  readonly what: Trouble;
  readonly service: string | undefined;
  times: number;
}

const BACKEND = join(execFileSync("git", ["--exec-path"], { encoding: "utf8" }).trim(), "git-http-backend");
const SERVICE = /(?:^|[/=])(git-(?:upload|receive)-pack)$/;

/**
 * Serves the bare repositories in a folder until the test ends.
 *
 * `password` has the form `name:password` and is required if given. Without it all credentials are
 * accepted, and `user` maps them to the name of the user.
 */
export async function serveGit(
  root: string,
  password?: string,
  user?: (credentials: string) => string,
): Promise<GitHttp> {
  const asked: Asked[] = [];
  const faults: Fault[] = [];
  const children = new Set<ChildProcess>();

  const take = (request: IncomingMessage): { one: Asked; what: Trouble | undefined } => {
    const url = request.url ?? "";
    const service = SERVICE.exec(url)?.[1] ?? "";
    const kind = url.includes("/info/refs") ? "info/refs" : (service as Kind);
    const encoded = request.headers["content-encoding"] === "gzip";
    const one: Asked = { kind, service, command: undefined, headers: request.rawHeaders, encoded };
    asked.push(one);
    const fault = faults.find(
      (fault) =>
        fault.kind === kind && fault.times > 0 && (fault.service === undefined || fault.service === service),
    );
    if (fault) fault.times--;
    return { one, what: fault?.what };
  };

  const serve = (request: IncomingMessage, response: ServerResponse, what: Trouble | undefined) => {
    if (password !== undefined && !isAdmitted(request, password)) return refuse(request, response);
    if (typeof what === "object" && "status" in what) return say(request, response, what);
    const who = password?.split(":")[0] ?? user?.(credentialsOf(request));
    const child = startBackend(root, request, who);
    children.add(child);
    child.once("close", () => children.delete(child));
    if (what === "lose") loseAnswer(child, request);
    else passAnswer(child, response);
  };

  const server = createServer((request, response) => {
    const { one, what } = take(request);
    request.once("data", (chunk: Buffer) => (one.command = commandIn(chunk, one.encoded)));
    // Some tests disconnect in the middle of a request.
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    if (what === "cut") request.socket.destroy();
    else if (what === "silence") request.resume();
    else if (typeof what === "object" && "delayMs" in what) {
      request.pause();
      setTimeout(() => serve(request, response, what), what.delayMs);
    } else serve(request, response, what);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      for (const child of children) child.kill("SIGKILL");
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(close);
  return {
    url: (name, credentials) => `http://${credentials ? `${credentials}@` : ""}127.0.0.1:${port}/${name}`,
    asked,
    count: (kind, command) =>
      asked.filter((one) => one.kind === kind && (command === undefined || one.command === command)).length,
    forget: () => void asked.splice(0),
    trouble: (kind, what, { times = Infinity, service } = {}) =>
      void faults.push({ kind, what, service, times }),
    heal: () => void faults.splice(0),
    close,
  };
}

/** Starts git's CGI program; see git-http-backend(1). */
function startBackend(root: string, request: IncomingMessage, user: string | undefined): ChildProcess {
  const { pathname, search } = new URL(request.url ?? "/", "http://127.0.0.1");
  const header = (name: string) => String(request.headers[name] ?? "");
  const length = request.headers["content-length"];
  const child = spawn(BACKEND, [], {
    cwd: root,
    env: {
      PATH: process.env["PATH"],
      HOME: root,
      LC_ALL: "C",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "http.receivepack",
      GIT_CONFIG_VALUE_0: "true",
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: header("content-type"),
      HTTP_CONTENT_ENCODING: header("content-encoding"),
      HTTP_GIT_PROTOCOL: header("git-protocol"),
      GIT_PROTOCOL: header("git-protocol"),
      REMOTE_ADDR: "127.0.0.1",
      ...(length === undefined ? {} : { CONTENT_LENGTH: length }),
      ...(user === undefined ? {} : { REMOTE_USER: user }),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  // git may stop reading or exit before the whole body has arrived.
  child.stdin?.on("error", () => undefined);
  if (child.stdin) request.pipe(child.stdin);
  return child;
}

/** Parses the headers that the CGI program writes, and streams the body. */
function passAnswer(child: ChildProcess, response: ServerResponse): void {
  const { stdout } = child;
  if (!stdout) return;
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    stdout.off("data", onData);
    let status = 200;
    for (const line of head.subarray(0, end).toString().split("\r\n")) {
      const [, name = "", value = ""] = /^([^:]+): *(.*)$/.exec(line) ?? [];
      if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.writeHead(status);
    response.write(head.subarray(end + 4));
    stdout.pipe(response);
  };
  stdout.on("data", onData);
  child.once("close", () => {
    if (!response.headersSent) response.destroy();
  });
}

function loseAnswer(child: ChildProcess, request: IncomingMessage): void {
  child.stdout?.resume();
  child.once("close", () => request.socket.destroy());
}

const isAdmitted = (request: IncomingMessage, password: string): boolean =>
  credentialsOf(request) === password;

/** `name:password`, or an empty string without credentials. */
function credentialsOf(request: IncomingMessage): string {
  const [kind, value = ""] = (request.headers.authorization ?? "").split(" ");
  return kind === "Basic" ? Buffer.from(value, "base64").toString() : "";
}

function refuse(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("WWW-Authenticate", 'Basic realm="git"');
  say(request, response, { status: 401, text: "who are you?" });
}

function say(
  request: IncomingMessage,
  response: ServerResponse,
  { status, text }: { readonly status: number; readonly text: string },
): void {
  request.resume();
  response.writeHead(status, { "Content-Type": "text/plain" }).end(`${text}\n`);
}

/** Reads the command of protocol version 2 from the first bytes of a body. */
function commandIn(chunk: Buffer, encoded: boolean): string | undefined {
  const body = encoded ? gunzipSync(chunk, { finishFlush: constants.Z_SYNC_FLUSH }) : chunk;
  return /command=([\w-]+)/.exec(body.subarray(0, 200).toString("latin1"))?.[1];
}
