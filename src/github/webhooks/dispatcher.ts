/**
 * Works off an inbox: a few repositories at once, the deliveries of each in their order.
 *
 * What must hold: a delivery is done when its handling returned; trouble of its own costs one of its
 * attempts and holds up its repository alone; trouble of GitHub or the network costs none, because
 * it says nothing about the delivery; `stop` lets what is being worked on end, and begins nothing.
 */
import { RemoteUnreachable } from "../../core/messages/messages.ts";
import { ATTEMPTS, type Inbox, type TakenDelivery } from "./inbox.ts";
import type { Delivery } from "../api/delivery.ts";

export interface DispatcherOptions {
  readonly inbox: Inbox;
  readonly handle: (delivery: Delivery) => Promise<void>;
  readonly warn: (text: string) => void;
  /** How many repositories are worked for at once. */
  readonly lanes?: number;
  /** How long to rest before the nth attempt. */
  readonly restMs?: (attempt: number) => number;
}

const LANES = 4;
const RESTS_MS = [1000, 5000, 30_000, 120_000];
const restMs = (attempt: number): number => RESTS_MS[Math.min(attempt, RESTS_MS.length) - 1] ?? 0;

export class Dispatcher {
  readonly #options: Required<DispatcherOptions>;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #working = new Set<Promise<void>>();
  /** By delivery, how often GitHub was to blame in a row. */
  readonly #passing = new Map<string, number>();
  #rung = false;
  #stopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = { lanes: LANES, restMs, ...options };
  }

  start(): void {
    this.#options.inbox.onArrival(() => this.#ring());
    this.#ring();
  }

  /** Resolves when nothing is being worked on any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    while (this.#working.size > 0) await Promise.all(this.#working);
  }

  /** What comes while every lane is busy is looked for by the first that is free. */
  #ring(): void {
    this.#rung = true;
    this.#fill();
  }

  #fill(): void {
    while (!this.#stopped && this.#rung && this.#working.size < this.#options.lanes) {
      // Each lane that found work sends for another, so that no lane is begun for nothing.
      this.#rung = false;
      const lane = this.#serve().finally(() => {
        this.#working.delete(lane);
        this.#fill();
      });
      this.#working.add(lane);
    }
  }

  /** One lane: takes until there is nothing to take. */
  async #serve(): Promise<void> {
    const { inbox, warn } = this.#options;
    try {
      while (!this.#stopped) {
        const taken = await inbox.take();
        if (!taken) return;
        this.#ring();
        await this.#work(taken);
      }
    } catch (error) {
      warn(`the inbox is in trouble: ${reasonOf(error)}`);
    }
  }

  async #work(taken: TakenDelivery): Promise<void> {
    const { delivery } = taken;
    const { inbox, handle } = this.#options;
    try {
      await handle(delivery);
      this.#passing.delete(delivery.id);
      inbox.done(delivery.id);
    } catch (error) {
      await this.#trouble(taken, error);
    }
  }

  async #trouble({ delivery, attempt }: TakenDelivery, error: unknown): Promise<void> {
    const { inbox, warn } = this.#options;
    const { id, name } = delivery;
    const reason = reasonOf(error);
    if (!isTransient(error) && attempt >= ATTEMPTS) {
      warn(`delivery ${id} (${name}) is given up after ${attempt} attempts: ${reason}`);
      return inbox.giveUp(id, reason);
    }
    const counts = !isTransient(error);
    const before = counts ? attempt : (this.#passing.get(id) ?? 0) + 1;
    if (!counts) this.#passing.set(id, before);
    const ms = this.#options.restMs(before);
    warn(`delivery ${id} (${name}) is tried again in ${Math.ceil(ms / 1000)} s: ${reason}`);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      inbox.putBack(id, counts);
    }, ms);
    this.#timers.add(timer);
  }
}

/** The first of what went wrong: Probot collects the errors of all listeners. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? firstOf(error.errors[0]) : error;
}

function reasonOf(error: unknown): string {
  const first = firstOf(error);
  return (first instanceof Error ? first.message : String(first)).slice(0, 2000);
}

const NETWORK = /^(?:ECONN|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE|ENETUNREACH|EHOSTUNREACH|UND_ERR_)/;

/** GitHub, the way to it or our credentials: it says nothing about this delivery. */
export function isTransient(error: unknown): boolean {
  const first = firstOf(error);
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
