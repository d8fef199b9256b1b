/**
 * The door for GitHub's webhooks.
 *
 * What must hold: nothing of a body is believed, and little of it is read, before its signature is
 * found good; 202 is said when the inbox has the delivery, and not before; anything else makes GitHub
 * keep it in its log of failed deliveries, from where it is recovered.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Inbox } from "./inbox.ts";
import type { Delivery } from "../api/delivery.ts";
import { DELIVERY } from "../timing.ts";

export const WEBHOOK_PATH = "/api/github/webhooks";

export interface HttpServerOptions {
  readonly inbox: Pick<Inbox, "accept" | "stats">;
  /** True when the signature was made over this body with our secret. */
  readonly verify: (body: string, signature: string) => Promise<boolean>;
  readonly warn: (text: string) => void;
  /** GitHub sends no more than this. */
  readonly maxBodyBytes?: number;
  /** What all bodies that are being read may take together. */
  readonly maxTotalBytes?: number;
  /** How long whoever is in may take to say the rest once the door closes. */
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
  /** False once the inbox could not keep a delivery, until it can again. */
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
          this.#options.warn(`a request could not be answered: ${String(error)}`);
          return { status: 500, text: "an error of ours" };
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

  /** Listens, and returns the port. Rejects when it cannot. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** Lets nobody in any more; resolves when those who are in have their answer. */
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
    const isLook = request.method === "GET" || request.method === "HEAD";
    if (path === "/healthz" && isLook) return { status: 200, text: "ok" };
    if (path === "/readyz" && isLook) return this.#readiness();
    if (path !== WEBHOOK_PATH) return { status: 404, text: "there is nothing here" };
    if (request.method !== "POST") return { status: 405, text: "only POST" };
    return this.#receive(request);
  }

  /** Counts and ids alone: whoever asks need not be a friend. */
  #readiness(): HttpAnswer {
    const { waiting, working, failed } = this.#options.inbox.stats();
    const given = failed.map(({ id, name, at }) => ({ id, name, at: new Date(at).toISOString() }));
    const ready = this.#canStore && !this.#isClosing;
    return { status: ready ? 200 : 503, text: { ready, waiting, working, failed: given } };
  }

  async #receive(request: IncomingMessage): Promise<HttpAnswer> {
    const header = (name: string) => String(request.headers[name] ?? "");
    const signature = header("x-hub-signature-256");
    const id = header("x-github-delivery");
    const name = header("x-github-event");
    if (!SIGNATURE.test(signature)) return { status: 401, text: "the signature is missing" };
    if (!ID.test(id) || !NAME.test(name)) return { status: 400, text: "the headers of GitHub are missing" };
    if (!/^application\/json\b/i.test(header("content-type"))) {
      return { status: 415, text: "set the content type of the webhook to application/json" };
    }
    const body = await this.#readBody(request);
    if (typeof body !== "string") return body;
    if (body === "" || !(await this.#options.verify(body, signature))) {
      return { status: 401, text: "the signature is not ours" };
    }
    const payload = parse(body);
    if (payload === undefined) return { status: 400, text: "the body is no JSON object" };
    return this.#store({ id, name, payload });
  }

  async #store(delivery: Delivery): Promise<HttpAnswer> {
    try {
      const came = await this.#options.inbox.accept(delivery);
      this.#canStore = true;
      return { status: 202, text: came === "new" ? "accepted" : "known already" };
    } catch (error) {
      this.#canStore = false;
      this.#options.warn(`delivery ${delivery.id} could not be kept: ${String(error)}`);
      return { status: 503, text: "it could not be kept; deliver it again" };
    }
  }

  async #readBody(request: IncomingMessage): Promise<string | HttpAnswer> {
    const { maxBodyBytes: bodyBytes, maxTotalBytes: allBytes } = this.#options;
    const tooLong = { status: 413, text: `the body is longer than ${bodyBytes} bytes` };
    if (Number(request.headers["content-length"] ?? 0) > bodyBytes) return tooLong;
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length;
        this.#bytesInFlight += chunk.length;
        if (size > bodyBytes) return tooLong;
        if (this.#bytesInFlight > allBytes)
          return { status: 503, text: "too much at once; deliver it again" };
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

/** Whoever is refused before the end of the body is cut off. */
function respond(request: IncomingMessage, response: ServerResponse, { status, text }: HttpAnswer): void {
  const isText = typeof text === "string";
  if (!request.complete) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": isText ? "text/plain" : "application/json" });
  response.end(isText ? `${text}\n` : `${JSON.stringify(text)}\n`);
  if (!request.complete && request.readable) request.resume();
}
