/**
 * Processes the deliveries of an inbox: several repositories at once, each in the order of its deliveries.
 *
 * Invariants:
 * - A delivery is done when its handler returned.
 * - A failure of the delivery itself uses up an attempt, and delays its repository only.
 * - An outage of GitHub or the network uses up no attempt.
 */
import { RemoteUnreachable } from "../../core/messages/messages.ts";
import type { Inbox, TakenDelivery } from "./inbox.ts";
import type { Delivery } from "../api/delivery.ts";
import { DELIVERY } from "../timing.ts";

export interface DispatcherOptions {
  readonly inbox: Inbox;
  readonly handle: (delivery: Delivery) => Promise<void>;
  readonly warn: (text: string) => void;
  /** The number of repositories that are processed at once. */
  readonly concurrency?: number;
  /** The back-off after the nth failed attempt. */
  readonly backoffMs?: (attempt: number) => number;
}

const CONCURRENCY = 4;
const defaultBackoff = (attempt: number): number =>
  DELIVERY.backoffMs[Math.min(attempt, DELIVERY.backoffMs.length) - 1] ?? 0;

export class Dispatcher {
  readonly #options: Required<DispatcherOptions>;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #workers = new Set<Promise<void>>();
  /** Consecutive outages, by delivery id. */
  readonly #outages = new Map<string, number>();
  #hasNews = false;
  #isStopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = { concurrency: CONCURRENCY, backoffMs: defaultBackoff, ...options };
  }

  start(): void {
    this.#options.inbox.onArrival(() => this.#wake());
    this.#wake();
  }

  /** Takes no further deliveries. Resolves when the current ones are finished. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    while (this.#workers.size > 0) await Promise.all(this.#workers);
  }

  /** When all workers are busy, the next free one sees the flag. */
  #wake(): void {
    this.#hasNews = true;
    this.#startWorkers();
  }

  #startWorkers(): void {
    while (!this.#isStopped && this.#hasNews && this.#workers.size < this.#options.concurrency) {
      // A worker that finds a delivery wakes another one, so none starts without a delivery.
      this.#hasNews = false;
      const worker = this.#runWorker().finally(() => {
        this.#workers.delete(worker);
        this.#startWorkers();
      });
      this.#workers.add(worker);
    }
  }

  /** Processes deliveries until none can be taken. */
  async #runWorker(): Promise<void> {
    const { inbox, warn } = this.#options;
    try {
      while (!this.#isStopped) {
        const taken = await inbox.take();
        if (!taken) return;
        this.#wake();
        await this.#process(taken);
      }
    } catch (error) {
      warn(`the inbox failed: ${reasonOf(error)}`);
    }
  }

  async #process(taken: TakenDelivery): Promise<void> {
    const { delivery } = taken;
    const { inbox, handle } = this.#options;
    try {
      await handle(delivery);
      this.#outages.delete(delivery.id);
      inbox.done(delivery.id);
    } catch (error) {
      await this.#handleFailure(taken, error);
    }
  }

  async #handleFailure({ delivery, attempt }: TakenDelivery, error: unknown): Promise<void> {
    const { inbox, warn } = this.#options;
    const { id, name } = delivery;
    const reason = reasonOf(error);
    if (!isTransient(error) && attempt >= DELIVERY.maxAttempts) {
      warn(`delivery ${id} (${name}) is given up after ${attempt} attempts: ${reason}`);
      return inbox.giveUp(id, reason);
    }
    const isOwnFailure = !isTransient(error);
    const failures = isOwnFailure ? attempt : (this.#outages.get(id) ?? 0) + 1;
    if (!isOwnFailure) this.#outages.set(id, failures);
    const ms = this.#options.backoffMs(failures);
    warn(`delivery ${id} (${name}) is retried in ${Math.ceil(ms / 1000)} s: ${reason}`);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      inbox.release(id, isOwnFailure);
    }, ms);
    this.#timers.add(timer);
  }
}

/** Probot collects the errors of all listeners; this is the first of them. */
function firstError(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? firstError(error.errors[0]) : error;
}

function reasonOf(error: unknown): string {
  const first = firstError(error);
  return (first instanceof Error ? first.message : String(first)).slice(0, 2000);
}

const NETWORK = /^(?:ECONN|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE|ENETUNREACH|EHOSTUNREACH|UND_ERR_)/;

/** True for an outage of GitHub or the network, and for invalid credentials: not caused by the delivery. */
export function isTransient(error: unknown): boolean {
  const first = firstError(error);
  if (typeof first !== "object" || first === null) return false;
  if (first instanceof RemoteUnreachable) return true;
  const { status, code, cause, response } = first as {
    readonly status?: unknown;
    readonly code?: unknown;
    readonly cause?: unknown;
    readonly response?: { readonly headers?: Readonly<Record<string, unknown>> };
  };
  const headers = response?.headers ?? {};
  const isLimit = "retry-after" in headers || headers["x-ratelimit-remaining"] === "0";
  if (status === 401 || status === 429 || (status === 403 && isLimit)) return true;
  if (typeof status === "number" && status >= 500) return true;
  if (typeof code === "string" && NETWORK.test(code)) return true;
  return cause !== undefined && cause !== first && isTransient(cause);
}
