/**
 * A client of GitHub that behaves: its requests are paced, and what GitHub says of its limits is obeyed.
 *
 * What must hold: a token is in the headers of a request and nowhere else; what GitHub has said
 * already is not told again; a request always ends.
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
  /** The token; a new one where the last was refused. Left out where octokit has its own. */
  readonly token?: (fresh: boolean) => Promise<string>;
  readonly sleep?: (ms: number) => Promise<void>;
  /** Says that it takes longer, and why. */
  readonly log?: (text: string) => void;
}

/** A request that was not done. A status of 429 stands for every limit, so that it is tried later. */
export class RequestDeclined extends Error {
  readonly decision: RateDecision;
  readonly status: number;

  constructor(decision: RateDecision, status: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "Declined";
    this.decision = decision;
    this.status = decision.kind === "later" && status > 0 && status < 500 ? 429 : status;
  }
}

/** Answers that are kept, to ask whether they changed. */
const MAX_CACHED = 1000;

/** An octokit of our own. `baseUrl` is that of the API. */
export async function openClient(
  how: ThrottleOptions & { readonly baseUrl: string | undefined },
): Promise<Octokit> {
  const { Octokit } = await loadRest();
  const none = () => undefined;
  const octokit = new Octokit({
    userAgent: "trailhand",
    ...(how.baseUrl === undefined ? {} : { baseUrl: how.baseUrl }),
    log: { debug: none, info: none, warn: none, error: none },
  });
  addThrottle(octokit, how);
  return octokit;
}

interface Endpoint {
  readonly url: string;
}
type Reply = Awaited<ReturnType<Octokit["request"]>>;

/** Teaches an octokit to behave; Probot's has its own tokens. */
export function addThrottle(octokit: Pick<Octokit, "hook" | "request">, how: ThrottleOptions): void {
  const kept = new Map<string, Reply>();
  octokit.hook.wrap("request", async (request, options) => {
    const key = options.method === "GET" ? addressOf(octokit, options) : undefined;
    const known = key === undefined ? undefined : kept.get(key);
    const etag = known?.headers.etag;
    if (etag !== undefined) options.headers["if-none-match"] = etag;
    const reply = await requestWithRetries(how, options, async () => {
      // Probot's octokit would do a write again that may have been done. Its own hooks are given the
      // options as they came, so that they have to be changed, and not copied.
      options.request = { ...options.request, signal: AbortSignal.timeout(API.timeoutMs), retries: 0 };
      try {
        return (await request(options)) as Reply;
      } catch (error) {
        if (known && (error as { status?: number }).status === 304) return known;
        throw error;
      }
    });
    if (key !== undefined && reply.headers.etag !== undefined) {
      kept.delete(key);
      kept.set(key, reply);
      if (kept.size > MAX_CACHED) kept.delete(kept.keys().next().value ?? "");
    }
    return reply;
  });
}

/** The whole address of a request, with its parameters. */
function addressOf({ request }: Pick<Octokit, "request">, options: object): string {
  return (request.endpoint as unknown as (options: object) => Endpoint)(options).url;
}

interface RequestOptions {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, unknown>;
}

/** Asks until there is an answer, or no sense in asking again. Throws Declined. */
async function requestWithRetries(
  how: ThrottleOptions,
  options: RequestOptions,
  ask: () => Promise<Reply>,
): Promise<Reply> {
  const { throttle, token, sleep = pause } = how;
  const asking = requestKind(options);
  let isFresh = token === undefined;
  if (token) options.headers["authorization"] = `token ${await token(false)}`;
  for (let attempt = 1; ; attempt++) {
    const ms = throttle.reserve(asking);
    if (ms > throttle.maxWaitMs)
      throw new RequestDeclined({ kind: "later", ms }, 429, "GitHub's limit is used up");
    if (ms > 0) await sleep(ms);
    try {
      const reply = await ask();
      throttle.observe(reply);
      return reply;
    } catch (error) {
      const answer = summarizeError(error);
      const decision = throttle.decide(answer, asking, attempt, isFresh);
      if (decision.kind === "token" && token) {
        isFresh = true;
        options.headers["authorization"] = `token ${await token(true)}`;
      } else if (decision.kind === "again") {
        const words = answer.message?.split("\n")[0] || `status ${answer.status}`;
        how.log?.(`GitHub: ${words}; asked again in ${Math.ceil(decision.ms / 1000)} s`);
        await sleep(decision.ms);
      } else throw new RequestDeclined(decision, answer.status, error);
    }
  }
}

/** A second comment, check run or pull request is one too many; all else can be done twice. */
function requestKind({ method, url }: RequestOptions): RequestKind {
  if (method === "GET" || method === "HEAD") return "read";
  return method === "POST" && /\/(?:comments|check-runs|pulls)$/.test(url) ? "making" : "write";
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
  // Octokit says 500 where nobody answered.
  return { status: response ? status : 0, headers: response?.headers ?? {}, message };
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
