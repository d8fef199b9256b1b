/** Processes the inbox: only failures of the delivery itself use up attempts. */
import { expect, test } from "vitest";
import type { Inbox } from "../../../src/github/webhooks/inbox.ts";
import { DELIVERY } from "../../../src/github/timing.ts";
import type { Delivery } from "../../../src/github/api/delivery.ts";
import { DiskInbox } from "../../../src/github/webhooks/disk-inbox.ts";
import { isTransient, Dispatcher } from "../../../src/github/webhooks/dispatcher.ts";
import { temporaryDir } from "../../support/temp-repo.ts";
import { until } from "../../support/until.ts";

const delivery = (id: string, repository = 1): Delivery => ({
  id,
  name: "push",
  payload: { repository: { id: repository } },
});

function begin(handle: (one: Delivery) => Promise<void>, lanes = 4) {
  const inbox = new DiskInbox(temporaryDir());
  const warned: string[] = [];
  const work = new Dispatcher({
    inbox,
    handle,
    concurrency: lanes,
    warn: (text) => warned.push(text),
    backoffMs: () => 1,
  });
  work.start();
  return { inbox, work, warned };
}

const isIdle = ({ inbox }: ReturnType<typeof begin>) => {
  const { waiting, working } = inbox.stats();
  return waiting + working === 0;
};

test("each delivery is handled once, in order for each repository", async () => {
  const handled: string[] = [];
  const running = new Set<unknown>();
  const one = begin(async ({ id, payload }) => {
    const { repository } = payload as { repository: { id: number } };
    expect(running.has(repository.id)).toBe(false);
    running.add(repository.id);
    await new Promise((resolve) => setImmediate(resolve));
    running.delete(repository.id);
    handled.push(id);
  }, 2);
  const ids = Array.from({ length: 60 }, (_, n) => `${n % 3}-${Math.floor(n / 3)}`);
  await Promise.all(ids.map((id) => one.inbox.accept(delivery(id, Number(id[0])))));
  await until("all are handled", () => isIdle(one));
  for (const repository of ["0", "1", "2"]) {
    const of = (all: string[]) => all.filter((id) => id.startsWith(repository));
    expect(of(handled)).toEqual(of(ids));
  }
  await one.work.stop();
});

test("a failing delivery is given up after five attempts, and the next one is handled", async () => {
  const tries = new Map<string, number>();
  const one = begin(({ id }) => {
    tries.set(id, (tries.get(id) ?? 0) + 1);
    return id === "poison" ? Promise.reject(new Error("cannot read this")) : Promise.resolve();
  });
  await one.inbox.accept(delivery("poison"));
  await one.inbox.accept(delivery("behind"));
  await until("all are over", () => isIdle(one));
  expect([...tries]).toEqual([
    ["poison", DELIVERY.maxAttempts],
    ["behind", 1],
  ]);
  expect(one.inbox.stats().failed).toMatchObject([{ id: "poison", reason: "cannot read this" }]);
  expect(one.warned.at(-1)).toBe("delivery poison (push) is given up after 5 attempts: cannot read this");
  await one.work.stop();
});

test("an outage of GitHub uses up no attempt", async () => {
  let tries = 0;
  const one = begin(() => {
    const error = Object.assign(new Error("bad gateway"), { status: 502 });
    return ++tries <= 3 * DELIVERY.maxAttempts
      ? Promise.reject(new AggregateError([error]))
      : Promise.resolve();
  });
  await one.inbox.accept(delivery("a"));
  await until("it is over", () => isIdle(one));
  expect(tries).toBe(3 * DELIVERY.maxAttempts + 1);
  expect(one.inbox.stats().failed).toEqual([]);
  await one.work.stop();
});

test("a delivery that arrives while the last worker ends is not missed", async () => {
  let ring: () => void = () => undefined;
  let rest: (taken: undefined) => void = () => undefined;
  let asked = 0;
  const inbox = {
    onArrival: (listener: () => void) => (ring = listener),
    take: () => new Promise<undefined>((resolve) => ((rest = resolve), asked++)),
  } as unknown as Inbox;
  const work = new Dispatcher({
    inbox,
    handle: () => Promise.resolve(),
    concurrency: 1,
    warn: () => undefined,
  });
  work.start();
  // The worker found nothing, and has not ended yet.
  ring();
  rest(undefined);
  await until("it looks again", () => asked === 2);
  rest(undefined);
  await work.stop();
});

test("a stop waits for the current delivery, and starts no other", async () => {
  let release: () => void = () => undefined;
  const handled: string[] = [];
  const one = begin(async ({ id }) => {
    await new Promise<void>((resolve) => (release = resolve));
    handled.push(id);
  });
  await one.inbox.accept(delivery("a"));
  await one.inbox.accept(delivery("b"));
  await until("one is being handled", () => one.inbox.stats().working === 1);
  await until("it waits", () => release.length === 1);
  let stopped = false;
  const stop = one.work.stop().then(() => (stopped = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(stopped).toBe(false);
  release();
  await stop;
  expect(handled).toEqual(["a"]);
  expect(one.inbox.stats()).toMatchObject({ waiting: 1, working: 0 });
});

test.each([
  [{ status: 500 }, true],
  [{ status: 503 }, true],
  [{ status: 429 }, true],
  [{ status: 401 }, true],
  [{ status: 403, response: { headers: { "retry-after": "60" } } }, true],
  [{ status: 403, response: { headers: { "x-ratelimit-remaining": "0" } } }, true],
  [{ code: "ECONNRESET" }, true],
  [{ cause: { code: "UND_ERR_SOCKET" } }, true],
  [{ status: 403, response: { headers: {} } }, false],
  [{ status: 404 }, false],
  [{ status: 422 }, false],
  [{ code: "ENOENT" }, false],
  [new TypeError("undefined is not a function"), false],
  ["text", false],
])("%j passes by itself: %s", (error, passes) => {
  expect(isTransient(error)).toBe(passes);
});
