/**
 * Works off an inbox: a few repositories at once, the deliveries of each in their order.
 *
 * What must hold: a delivery is done when its handling returned; trouble of its own costs one of its
 * attempts and holds up its repository alone; trouble of GitHub or the network costs none, because
 * it says nothing about the delivery; `stop` lets what is being worked on end, and begins nothing.
 */
import { RemoteUnreachable } from "../../core/messages/messages.ts";
import type { Inbox, TakenDelivery } from "./inbox.ts";
import type { Delivery } from "../api/delivery.ts";
import { DELIVERY } from "../timing.ts";

export interface DispatcherOptions {
  readonly inbox: Inbox;
  readonly handle: (delivery: Delivery) => Promise<void>;
  readonly warn: (text: string) => void;
  /** How many repositories are worked for at once. */
  readonly concurrency?: number;
  /** How long to rest before the nth attempt. */
  readonly backoffMs?: (attempt: number) => number;
}

const CONCURRENCY = 4;
const defaultBackoff = (attempt: number): number =>
  DELIVERY.backoffMs[Math.min(attempt, DELIVERY.backoffMs.length) - 1] ?? 0;

export class Dispatcher {
  readonly #options: Required<DispatcherOptions>;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #workers = new Set<Promise<void>>();
  /** By delivery, how often GitHub was to blame in a row. */
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

  /** Resolves when nothing is being worked on any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    while (this.#workers.size > 0) await Promise.all(this.#workers);
  }

  /** What comes while every lane is busy is looked for by the first that is free. */
  #wake(): void {
    this.#hasNews = true;
    this.#startWorkers();
  }

  #startWorkers(): void {
    while (!this.#isStopped && this.#hasNews && this.#workers.size < this.#options.concurrency) {
      // Each lane that found work sends for another, so that no lane is begun for nothing.
      this.#hasNews = false;
      const lane = this.#runWorker().finally(() => {
        this.#workers.delete(lane);
        this.#startWorkers();
      });
      this.#workers.add(lane);
    }
  }

  /** One lane: takes until there is nothing to take. */
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
      warn(`the inbox is in trouble: ${reasonOf(error)}`);
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
    const counts = !isTransient(error);
    const before = counts ? attempt : (this.#outages.get(id) ?? 0) + 1;
    if (!counts) this.#outages.set(id, before);
    const ms = this.#options.backoffMs(before);
    warn(`delivery ${id} (${name}) is tried again in ${Math.ceil(ms / 1000)} s: ${reason}`);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      inbox.release(id, counts);
    }, ms);
    this.#timers.add(timer);
  }
}

/** The first of what went wrong: Probot collects the errors of all listeners. */
function firstError(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? firstError(error.errors[0]) : error;
}

function reasonOf(error: unknown): string {
  const first = firstError(error);
  return (first instanceof Error ? first.message : String(first)).slice(0, 2000);
}

const NETWORK = /^(?:ECONN|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE|ENETUNREACH|EHOSTUNREACH|UND_ERR_)/;

/** GitHub, the way to it or our credentials: it says nothing about this delivery. */
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
