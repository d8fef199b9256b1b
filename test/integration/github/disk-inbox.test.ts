/** The inbox on disk: durable before it confirms, in order, without duplicates, and intact after a crash. */
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DELIVERY } from "../../../src/github/timing.ts";
import type { Delivery } from "../../../src/github/api/delivery.ts";
import { DiskInbox, type DiskInboxOptions } from "../../../src/github/webhooks/disk-inbox.ts";
import { temporaryDir } from "../../support/temp-repo.ts";

const delivery = (id: string, repository = 1, more: object = {}): Delivery => ({
  id,
  name: "push",
  payload: { repository: { id: repository }, ...more },
});

function open(dir: string, options?: DiskInboxOptions): DiskInbox {
  const inbox = new DiskInbox(dir, options);
  onTestFinished(() => inbox.close());
  return inbox;
}

const journals = (dir: string) => readdirSync(dir).filter((name) => name.startsWith("journal-"));

/** Takes every delivery and marks it as done. */
async function drain(inbox: DiskInbox): Promise<string[]> {
  const ids: string[] = [];
  for (let taken = await inbox.take(); taken; taken = await inbox.take()) {
    ids.push(taken.delivery.id);
    inbox.done(taken.delivery.id);
  }
  return ids;
}

/** A disk that confirms nothing until the test allows it. */
function slowDisk() {
  let syncs = 0;
  let release: () => void = () => undefined;
  const wait = () =>
    new Promise<void>((resolve) => {
      syncs++;
      release = resolve;
    });
  return { sync: wait, syncs: () => syncs, release: () => release() };
}

const turns = async () => {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setTimeout(resolve, 1));
};

test("a delivery is confirmed only after the disk has it, and several share one sync", async () => {
  const disk = slowDisk();
  const inbox = open(temporaryDir(), { sync: disk.sync });
  let said = 0;
  const accept = (id: string) => inbox.accept(delivery(id)).then(() => said++);
  const first = accept("first");
  await turns();
  const rest = Promise.all(Array.from({ length: 50 }, (_, n) => accept(`d${n}`)));
  await turns();
  expect(said).toBe(0);
  expect(await inbox.take()).toBeUndefined();
  disk.release();
  await first;
  await turns();
  expect(said).toBe(1);
  disk.release();
  await rest;
  expect(disk.syncs()).toBe(2);
});

test("a duplicate is recognised, also while the first is being written", async () => {
  const disk = slowDisk();
  const dir = temporaryDir();
  const inbox = open(dir, { sync: disk.sync });
  const both = Promise.all([inbox.accept(delivery("a")), inbox.accept(delivery("a"))]);
  await turns();
  disk.release();
  expect(await both).toEqual(["new", "known"]);
  expect(await drain(inbox)).toEqual(["a"]);
  expect(await inbox.accept(delivery("a"))).toBe("known");
  await inbox.close();
  expect(await open(dir).accept(delivery("a"))).toBe("known");
});

test("an id is remembered for three days", async () => {
  const dir = temporaryDir();
  const day = 24 * 60 * 60 * 1000;
  let now = 1_700_000_000_000;
  const inbox = open(dir, { now: () => now });
  await inbox.accept(delivery("a"));
  expect(inbox.lastSeen()).toBe(now);
  await drain(inbox);
  now += 3 * day - 1;
  expect(await inbox.accept(delivery("a"))).toBe("known");
  now += 2;
  await inbox.compact();
  expect(await inbox.accept(delivery("a"))).toBe("new");
});

test("after a crash, unfinished deliveries return in order, and finished ones do not", async () => {
  const dir = temporaryDir();
  const before = open(dir);
  for (const id of ["a", "b", "c"]) await before.accept(delivery(id, 1, { text: `é\n${id}` }));
  const taken = await before.take();
  expect(taken).toEqual({ delivery: delivery("a", 1, { text: "é\na" }), attempt: 1 });
  before.done("a");
  await before.take();
  // Only the lazy lines are awaited here; a killed process leaves the file as it is now.
  await before.close();
  const after = open(dir);
  expect(after.stats()).toMatchObject({ waiting: 2, working: 0 });
  expect(await after.take()).toMatchObject({ delivery: { id: "b" }, attempt: 2 });
  after.done("b");
  expect(await drain(after)).toEqual(["c"]);
});

test("an incomplete line is skipped, wherever it was cut", async () => {
  const dir = temporaryDir();
  const inbox = open(dir);
  await inbox.accept(delivery("whole"));
  const [name = ""] = journals(dir);
  const path = join(dir, name);
  const { size } = statSync(path);
  await inbox.accept(delivery("half", 1, { text: "x".repeat(40) }));
  await inbox.close();
  const all = readFileSync(path);
  for (let cut = size + 1; cut < all.length; cut++) {
    writeFileSync(path, all);
    truncateSync(path, cut);
    const again = open(dir);
    expect(again.brokenLines).toBe(1);
    expect(again.has("whole")).toBe(true);
    expect(again.has("half")).toBe(false);
    expect(again.stats().waiting).toBe(1);
  }
  writeFileSync(path, all);
  expect(open(dir).stats().waiting).toBe(2);
});

test("a delivery accepted after an incomplete line is not lost", async () => {
  const dir = temporaryDir();
  await open(dir).accept(delivery("a"));
  const [name = ""] = journals(dir);
  truncateSync(join(dir, name), statSync(join(dir, name)).size - 3);
  await open(dir).accept(delivery("b"));
  const inbox = open(dir);
  expect(inbox.brokenLines).toBe(1);
  expect(await drain(inbox)).toEqual(["b"]);
});

test("a corrupted byte is detected", async () => {
  const dir = temporaryDir();
  const inbox = open(dir);
  await inbox.accept(delivery("a", 1, { text: "yes" }));
  await inbox.close();
  const path = join(dir, journals(dir)[0] ?? "");
  writeFileSync(path, readFileSync(path, "latin1").replace("yes", "yet"), "latin1");
  expect(open(dir)).toMatchObject({ brokenLines: 1 });
  expect(await inbox.take()).toBeUndefined();
  expect(inbox.stats().failed).toMatchObject([{ id: "a", reason: expect.stringContaining("damaged") }]);
});

test("a disk error rejects the delivery; the next one goes into a new file", async () => {
  const dir = temporaryDir();
  let fails = true;
  const sync = () => (fails ? Promise.reject(new Error("no space left")) : Promise.resolve());
  const inbox = open(dir, { sync });
  await expect(inbox.accept(delivery("a"))).rejects.toThrow("no space left");
  expect(inbox.has("a")).toBe(false);
  fails = false;
  expect(await inbox.accept(delivery("a"))).toBe("new");
  expect(journals(dir)).toHaveLength(2);
  expect(await drain(inbox)).toEqual(["a"]);
});

test("deliveries of a repository are taken one at a time and in order, without blocking other repositories", async () => {
  const inbox = open(temporaryDir());
  await inbox.accept(delivery("a1", 1));
  await inbox.accept(delivery("a2", 1));
  await inbox.accept(delivery("b1", 2));
  const take = async () => (await inbox.take())?.delivery.id;
  expect(await take()).toBe("a1");
  expect(await take()).toBe("b1");
  expect(await take()).toBeUndefined();
  inbox.release("a1", true);
  expect(await take()).toBe("a1");
  await inbox.accept(delivery("c1", 3));
  inbox.done("a1");
  // A processed repository goes to the end of the queue.
  expect(await take()).toBe("c1");
  expect(await take()).toBe("a2");
});

test("a dead letter is kept with its reason, and may be delivered again", async () => {
  const dir = temporaryDir();
  const inbox = open(dir, { now: () => 5 });
  await inbox.accept(delivery("a", 1, { text: "keep me" }));
  await inbox.take();
  await inbox.giveUp("a", "the branch is gone");
  expect(inbox.stats()).toEqual({
    waiting: 0,
    working: 0,
    failed: [{ id: "a", name: "push", reason: "the branch is gone", at: 5 }],
  });
  expect(readFileSync(join(dir, "failed", "a.json"), "utf8")).toContain("keep me");
  await inbox.close();
  const again = open(dir, { now: () => 6 });
  expect(again.stats().failed).toHaveLength(1);
  expect(await again.take()).toBeUndefined();
  expect(await again.accept(delivery("a"))).toBe("new");
  expect(again.stats().failed).toEqual([]);
  expect(await again.take()).toMatchObject({ attempt: 1 });
});

test("a delivery during which the process dies each time is given up", async () => {
  const dir = temporaryDir();
  await open(dir).accept(delivery("a"));
  for (let n = 1; n <= DELIVERY.maxAttempts; n++) {
    const inbox = open(dir);
    await inbox.compact();
    expect(await inbox.take()).toMatchObject({ attempt: n });
    await inbox.close();
  }
  const inbox = open(dir);
  expect(await inbox.take()).toBeUndefined();
  expect(inbox.stats().failed).toMatchObject([
    { reason: "the server process died during each of 5 attempts" },
  ]);
});

test("files of finished deliveries keep only ids, oldest first, and are removed when the ids expire", async () => {
  const dir = temporaryDir();
  let now = 1_700_000_000_000;
  const inbox = open(dir, { now: () => now, fileBytes: 1 });
  await inbox.accept(delivery("a", 1, { text: "secret a" }));
  await inbox.accept(delivery("b", 2, { text: "secret b" }));
  const written = () =>
    journals(dir)
      .map((name) => readFileSync(join(dir, name), "utf8"))
      .join("");
  await inbox.take();
  await inbox.take();
  inbox.done("b");
  // The end of b is recorded in a newer file than a, which is unfinished.
  await inbox.compact();
  expect(written()).toContain("secret b");
  inbox.done("a");
  await inbox.close();
  const again = open(dir, { now: () => now, fileBytes: 1 });
  expect(again.stats().waiting).toBe(0);
  await again.compact();
  expect(written()).not.toContain("secret");
  expect(open(dir, { now: () => now }).has("b")).toBe(true);
  now += 4 * 24 * 60 * 60 * 1000;
  await again.compact();
  expect(written()).toBe("");
});

test("only the owner may read the folder and its files", async () => {
  const dir = join(temporaryDir(), "inbox");
  await open(dir).accept(delivery("a"));
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  expect(statSync(join(dir, journals(dir)[0] ?? "")).mode & 0o777).toBe(0o600);
});
