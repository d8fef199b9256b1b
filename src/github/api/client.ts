/**
 * A GitHub client that paces its requests and obeys GitHub's rate limits.
 *
 * Invariants:
 * - The token appears in request headers only.
 * - Unchanged responses are read from the cache with their ETag.
 * - Every request has a time limit.
 */
import type { Octokit } from "@octokit/rest";
import { loadRest } from "./packages.ts";
import {
  RequestThrottle,
  type ResponseSummary,
  type RequestKind,
  type RateDecision,
} from "./request-throttle.ts";
import { API } from "../timing.ts";

export interface ThrottleOptions {
  readonly throttle: RequestThrottle;
  /** Returns a token, or a new one when the last was refused. Omitted when octokit authenticates itself. */
  readonly token?: (isFresh: boolean) => Promise<string>;
  readonly sleep?: (ms: number) => Promise<void>;
  /** Called when a request has to wait, with the reason. */
  readonly log?: (text: string) => void;
}

/** A request that failed for good, or was put off. The status 429 stands for every rate limit. */
export class RequestDeclined extends Error {
  readonly decision: RateDecision;
  readonly status: number;

  constructor(decision: RateDecision, status: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "RequestDeclined";
    this.decision = decision;
    this.status = decision.kind === "postpone" && status > 0 && status < 500 ? 429 : status;
  }
}

/** Cached responses. */
const MAX_CACHED = 1000;

/** `baseUrl` is the address of the API. */
export async function openClient(
  settings: ThrottleOptions & { readonly baseUrl: string | undefined },
): Promise<Octokit> {
  const { Octokit } = await loadRest();
  const none = () => undefined;
  const octokit = new Octokit({
    userAgent: "trailhand",
    ...(settings.baseUrl === undefined ? {} : { baseUrl: settings.baseUrl }),
    log: { debug: none, info: none, warn: none, error: none },
  });
  addThrottle(octokit, settings);
  return octokit;
}

interface Endpoint {
  readonly url: string;
}
type Reply = Awaited<ReturnType<Octokit["request"]>>;

/** Adds pacing, retries and caching to an octokit. */
export function addThrottle(octokit: Pick<Octokit, "hook" | "request">, settings: ThrottleOptions): void {
  const cache = new Map<string, Reply>();
  octokit.hook.wrap("request", async (request, options) => {
    const key = options.method === "GET" ? addressOf(octokit, options) : undefined;
    const cached = key === undefined ? undefined : cache.get(key);
    const etag = cached?.headers.etag;
    if (etag !== undefined) options.headers["if-none-match"] = etag;
    const reply = await requestWithRetries(settings, options, async () => {
      // Probot's octokit would repeat a write that may have succeeded. Its hooks get this same object,
      // so the options are changed in place.
      options.request = { ...options.request, signal: AbortSignal.timeout(API.timeoutMs), retries: 0 };
      try {
        return (await request(options)) as Reply;
      } catch (error) {
        if (cached && (error as { status?: number }).status === 304) return cached;
        throw error;
      }
    });
    if (key !== undefined && reply.headers.etag !== undefined) {
      cache.delete(key);
      cache.set(key, reply);
      if (cache.size > MAX_CACHED) cache.delete(cache.keys().next().value ?? "");
    }
    return reply;
  });
}

/** The full URL of a request, with its parameters. */
function addressOf({ request }: Pick<Octokit, "request">, options: object): string {
  return (request.endpoint as unknown as (options: object) => Endpoint)(options).url;
}

interface RequestOptions {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, unknown>;
}

/** Repeats a request until it succeeds or a retry is pointless. Throws RequestDeclined. */
async function requestWithRetries(
  settings: ThrottleOptions,
  options: RequestOptions,
  send: () => Promise<Reply>,
): Promise<Reply> {
  const { throttle, token, sleep = pause } = settings;
  const kind = requestKind(options);
  let isFresh = token === undefined;
  if (token) options.headers["authorization"] = `token ${await token(false)}`;
  for (let attempt = 1; ; attempt++) {
    const ms = throttle.reserve(kind);
    if (ms > throttle.maxWaitMs)
      throw new RequestDeclined({ kind: "postpone", ms }, 429, "GitHub's rate limit is used up");
    if (ms > 0) await sleep(ms);
    try {
      const reply = await send();
      throttle.observe(reply);
      return reply;
    } catch (error) {
      const answer = summarizeError(error);
      const decision = throttle.decide(answer, kind, attempt, isFresh);
      if (decision.kind === "token" && token) {
        isFresh = true;
        options.headers["authorization"] = `token ${await token(true)}`;
      } else if (decision.kind === "retry") {
        const reason = answer.message?.split("\n")[0] || `status ${answer.status}`;
        settings.log?.(`GitHub: ${reason}; retrying in ${Math.ceil(decision.ms / 1000)} s`);
        await sleep(decision.ms);
      } else throw new RequestDeclined(decision, answer.status, error);
    }
  }
}

/** Creating a comment, check run or pull request is not repeatable; every other request is. */
function requestKind({ method, url }: RequestOptions): RequestKind {
  if (method === "GET" || method === "HEAD") return "read";
  return method === "POST" && /\/(?:comments|check-runs|pulls)$/.test(url) ? "create" : "write";
}

function summarizeError(error: unknown): ResponseSummary {
  const {
    status = 0,
    response,
    message = "",
  } = error as {
    status?: number;
    response?: { headers?: ResponseSummary["headers"] };
    message?: string;
  };
  // Octokit reports the status 500 when there was no response.
  return { status: response ? status : 0, headers: response?.headers ?? {}, message };
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
