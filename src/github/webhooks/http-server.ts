/**
 * Receives GitHub's webhooks over HTTP.
 *
 * Invariants:
 * - A body is parsed only after its signature was verified.
 * - The response 202 means that the delivery is in the inbox. After any other response GitHub keeps the
 *   delivery in its log of failed deliveries, from which it is recovered.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Inbox } from "./inbox.ts";
import type { Delivery } from "../api/delivery.ts";
import { DELIVERY } from "../timing.ts";

export const WEBHOOK_PATH = "/api/github/webhooks";

export interface HttpServerOptions {
  readonly inbox: Pick<Inbox, "accept" | "stats">;
  /** True when the signature was made over this body with the webhook secret. */
  readonly verify: (body: string, signature: string) => Promise<boolean>;
  readonly warn: (text: string) => void;
  /** The largest body. GitHub sends at most 25 MB. */
  readonly maxBodyBytes?: number;
  /** The limit for all bodies that are being received. */
  readonly maxTotalBytes?: number;
  /** How long open connections get to finish after shutdown starts. */
  readonly graceMs?: number;
}

interface HttpAnswer {
  readonly status: number;
  readonly text: string | object;
}

const MIB = 2 ** 20;
const SIGNATURE = /^sha256=[0-9a-f]{64}$/;
const ID = /^[\w-]{1,100}$/;
const NAME = /^[a-z][a-z0-9_]{0,59}$/;

export class HttpServer {
  readonly #options: Required<HttpServerOptions>;
  readonly #server: Server;
  #bytesInFlight = 0;
  #isClosing = false;
  /** False after the inbox failed to store a delivery, until it stores one again. */
  #canStore = true;

  constructor(options: HttpServerOptions) {
    this.#options = {
      maxBodyBytes: 25 * MIB,
      maxTotalBytes: 200 * MIB,
      graceMs: DELIVERY.graceMs,
      ...options,
    };
    this.#server = createServer((request, response) => {
      this.#answer(request)
        .catch((error: unknown) => {
          this.#options.warn(`an HTTP request failed: ${String(error)}`);
          return { status: 500, text: "internal error" };
        })
        .then((answer) => {
          if (this.#isClosing) response.setHeader("connection", "close");
          respond(request, response, answer);
        })
        .catch(() => response.destroy());
    });
    this.#server.headersTimeout = DELIVERY.headersTimeoutMs;
    this.#server.requestTimeout = DELIVERY.requestTimeoutMs;
  }

  /** Resolves with the port. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** Stops accepting connections. Resolves when the open ones are finished. */
  close(): Promise<void> {
    this.#isClosing = true;
    return new Promise((resolve) => {
      const cut = setTimeout(() => this.#server.closeAllConnections(), this.#options.graceMs);
      this.#server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      this.#server.closeIdleConnections();
    });
  }

  async #answer(request: IncomingMessage): Promise<HttpAnswer> {
    const path = (request.url ?? "").split("?")[0];
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (path === "/healthz" && isRead) return { status: 200, text: "ok" };
    if (path === "/readyz" && isRead) return this.#readiness();
    if (path !== WEBHOOK_PATH) return { status: 404, text: "not found" };
    if (request.method !== "POST") return { status: 405, text: "use POST" };
    return this.#receive(request);
  }

  /** Only counts and ids, because anyone can read it. */
  #readiness(): HttpAnswer {
    const { waiting, working, failed } = this.#options.inbox.stats();
    const deadLetters = failed.map(({ id, name, at }) => ({ id, name, at: new Date(at).toISOString() }));
    const ready = this.#canStore && !this.#isClosing;
    return { status: ready ? 200 : 503, text: { ready, waiting, working, failed: deadLetters } };
  }

  async #receive(request: IncomingMessage): Promise<HttpAnswer> {
    const header = (name: string) => String(request.headers[name] ?? "");
    const signature = header("x-hub-signature-256");
    const id = header("x-github-delivery");
    const name = header("x-github-event");
    if (!SIGNATURE.test(signature)) return { status: 401, text: "the signature is missing" };
    if (!ID.test(id) || !NAME.test(name)) return { status: 400, text: "GitHub's headers are missing" };
    if (!/^application\/json\b/i.test(header("content-type"))) {
      return { status: 415, text: "set the content type of the webhook to application/json" };
    }
    const body = await this.#readBody(request);
    if (typeof body !== "string") return body;
    if (body === "" || !(await this.#options.verify(body, signature))) {
      return { status: 401, text: "the signature is not valid" };
    }
    const payload = parse(body);
    if (payload === undefined) return { status: 400, text: "the body is not a JSON object" };
    return this.#store({ id, name, payload });
  }

  async #store(delivery: Delivery): Promise<HttpAnswer> {
    try {
      const result = await this.#options.inbox.accept(delivery);
      this.#canStore = true;
      return { status: 202, text: result === "new" ? "accepted" : "already known" };
    } catch (error) {
      this.#canStore = false;
      this.#options.warn(`delivery ${delivery.id} could not be stored: ${String(error)}`);
      return { status: 503, text: "the delivery could not be stored; deliver it again" };
    }
  }

  async #readBody(request: IncomingMessage): Promise<string | HttpAnswer> {
    const { maxBodyBytes, maxTotalBytes } = this.#options;
    const tooLong = { status: 413, text: `the body is longer than ${maxBodyBytes} bytes` };
    if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) return tooLong;
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length;
        this.#bytesInFlight += chunk.length;
        if (size > maxBodyBytes) return tooLong;
        if (this.#bytesInFlight > maxTotalBytes)
          return { status: 503, text: "too many deliveries at once; deliver it again" };
        chunks.push(chunk);
      }
    } finally {
      this.#bytesInFlight -= size;
    }
    return Buffer.concat(chunks).toString();
  }
}

function parse(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Closes the connection when the body was not read to its end. */
function respond(request: IncomingMessage, response: ServerResponse, { status, text }: HttpAnswer): void {
  const isText = typeof text === "string";
  if (!request.complete) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": isText ? "text/plain" : "application/json" });
  response.end(isText ? `${text}\n` : `${JSON.stringify(text)}\n`);
  if (!request.complete && request.readable) request.resume();
}
