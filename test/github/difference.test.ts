/** What has to be written: no more than that, and never where others wrote. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { difference, type Write } from "../../src/github/difference.ts";
import { readPresent, type Present } from "../../src/github/present.ts";
import { project } from "../../src/github/projection.ts";
import type { ShownCheck, ShownComment, Self, Surface } from "../../src/github/surface.ts";
import {
  carrierKey,
  MARKER,
  type Carrier,
  type Check,
  type Label,
  type Wanted,
} from "../../src/github/wanted.ts";
import { answer, ask, projected, seenOf } from "./seen.ts";

const SELF: Self = { accountId: 1, appId: 77 };

/** A GitHub in memory, of the parts that the surface asks for. */
class Shown {
  labels: string[] = ["bug"];
  threads = new Map<number, { labels: string[]; comments: ShownComment[] }>();
  checks = new Map<string, ShownCheck[]>();
  reactions = new Map<string, { userId: number; face: string }[]>();
  #ids = 0;

  constructor(...numbers: readonly number[]) {
    for (const number of numbers) this.threads.set(number, { labels: [], comments: [] });
  }

  say(number: number, authorId: number, body: string): void {
    this.threads.get(number)?.comments.push({ id: ++this.#ids, authorId, body });
  }

  read(wanted: Wanted, self = SELF): Promise<Present> {
    const surface: Partial<Surface> = {
      labels: async () => this.labels,
      thread: async (number) => this.threads.get(number)?.labels,
      comments: async (number) => this.threads.get(number)?.comments ?? [],
      checks: async (commit) => this.checks.get(commit) ?? [],
      reactions: async (carrier: Carrier) => this.reactions.get(carrierKey(carrier)) ?? [],
    };
    return readPresent(surface as Surface, wanted, self);
  }

  write(write: Write): void {
    const thread = "number" in write ? this.threads.get(write.number) : undefined;
    const drop = (id: number) =>
      thread?.comments.splice(
        thread.comments.findIndex((one) => one.id === id),
        1,
      );
    switch (write.kind) {
      case "create-label":
        return void this.labels.push((write.label satisfies Label).name);
      case "add-label":
        return void thread?.labels.push(write.name);
      case "remove-label":
        return void thread?.labels.splice(thread.labels.indexOf(write.name), 1);
      case "create-comment":
        return this.say(write.number, SELF.accountId, write.body);
      case "edit-comment":
        drop(write.id);
        return void thread?.comments.push({ id: write.id, authorId: SELF.accountId, body: write.body });
      case "delete-comment":
        return void drop(write.id);
      case "create-check":
      case "update-check":
        return this.#check(write.check, write.kind === "update-check" ? write.id : undefined);
      case "react": {
        const key = carrierKey(write.carrier);
        this.reactions.set(key, [...(this.reactions.get(key) ?? []), { userId: 1, face: write.face }]);
      }
    }
  }

  #check(check: Check, id: number | undefined): void {
    const { name, externalId, title, summary, status, conclusion, commit } = check;
    const shown = { id: id ?? ++this.#ids, appId: 77, name, externalId, title, summary, status, conclusion };
    const others = (this.checks.get(commit) ?? []).filter((one) => one.id !== id);
    this.checks.set(commit, [...others, shown]);
  }
}

const EVENT = "Event: github:octo/shop:comment:900\n";
const STORY: readonly (readonly string[])[] = [
  [ask("work", EVENT)],
  [ask("work", EVENT), answer(1, "review")],
  [ask("work", EVENT), answer(1, "review"), ask("work")],
  [ask("work", EVENT), answer(1, "review"), ask("work"), answer(3, "done")],
];
const wantedAt = (step: number): Wanted =>
  project(projected([seenOf("trailhand/issue-7", STORY[step] ?? [])]));
const now = wantedAt(1);

async function settle(shown: Shown, wanted: Wanted): Promise<Write[]> {
  const writes = difference(await shown.read(wanted), wanted);
  for (const write of writes) shown.write(write);
  return writes;
}
const kinds = (writes: readonly Write[]) => writes.map(({ kind }) => kind);

describe("the difference", () => {
  test("is nothing once it was written", async () => {
    const shown = new Shown(7);
    expect(kinds(await settle(shown, now))).toEqual([
      "react",
      "create-label",
      "add-label",
      "create-comment",
      "create-check",
    ]);
    expect(await settle(shown, now)).toEqual([]);
  });

  test("brings back what somebody deleted by hand", async () => {
    const shown = new Shown(7);
    await settle(shown, now);
    const thread = shown.threads.get(7);
    thread?.comments.splice(0);
    expect(kinds(await settle(shown, now))).toEqual(["create-comment"]);
    thread?.labels.splice(0);
    expect(kinds(await settle(shown, now))).toEqual(["add-label"]);
    shown.labels = [];
    thread?.labels.splice(0);
    expect(kinds(await settle(shown, now))).toEqual(["create-label", "add-label"]);
    shown.reactions.clear();
    shown.checks.clear();
    expect(kinds(await settle(shown, now))).toEqual(["react", "create-check"]);
    expect(await settle(shown, now)).toEqual([]);
  });

  test("leaves one label of a state, the others and their colours alone", async () => {
    const shown = new Shown(7);
    shown.labels.push("State:Review");
    shown.threads.get(7)?.labels.push("bug", "state:work", "state:old", "State:Review");
    const writes = await settle(shown, now);
    expect(kinds(writes)).not.toContain("create-label");
    expect(shown.threads.get(7)?.labels).toEqual(["bug", "State:Review"]);
  });

  test("makes one of two status comments, and keeps the older", async () => {
    const shown = new Shown(7);
    await settle(shown, now);
    shown.say(7, 1, now.threads[0]?.body ?? "");
    shown.say(7, 1, `${MARKER}another -->\nold`);
    expect(kinds(await settle(shown, now))).toEqual(["delete-comment", "delete-comment"]);
    expect(shown.threads.get(7)?.comments.map(({ id }) => id)).toEqual([1]);
  });

  test("does not touch what others wrote, with our marker or without, nor our own other comments", async () => {
    const shown = new Shown(7);
    shown.say(7, 666, now.threads[0]?.body ?? "");
    shown.say(7, 666, `${MARKER}x -->`);
    shown.say(7, 1, `Here is what I can do.\n${MARKER}x -->`);
    const before = structuredClone(shown.threads.get(7)?.comments);
    expect(kinds(await settle(shown, now))).toContain("create-comment");
    expect(shown.threads.get(7)?.comments.slice(0, 3)).toEqual(before);
    expect(shown.threads.get(7)?.comments).toHaveLength(4);
    expect(await settle(shown, now)).toEqual([]);
  });

  test("does not take the check run of another App, or another's reaction, for ours", async () => {
    const shown = new Shown(7);
    await settle(shown, now);
    const [check] = now.checks;
    const commit = check?.commit ?? "";
    shown.checks.set(
      commit,
      (shown.checks.get(commit) ?? []).map((one) => ({ ...one, appId: 5 })),
    );
    shown.reactions.set("comment:900", [{ userId: 666, face: "eyes" }]);
    expect(kinds(await settle(shown, now))).toEqual(["react", "create-check"]);
  });

  test("follows the work: edits in place, and ends the check run that was passed", async () => {
    const shown = new Shown(7);
    await settle(shown, wantedAt(0));
    const [{ id } = { id: 0 }] = shown.threads.get(7)?.comments ?? [];
    const writes = await settle(shown, wantedAt(1));
    expect(kinds(writes).toSorted()).toEqual(
      [
        "create-label",
        "add-label",
        "remove-label",
        "edit-comment",
        "update-check",
        "create-check",
      ].toSorted(),
    );
    expect(shown.threads.get(7)?.comments.map((one) => one.id)).toEqual([id]);
    const standing = [...shown.checks.values()]
      .flat()
      .map(({ name, status, conclusion }) => [name, status, conclusion]);
    expect(standing).toEqual([
      ["trailhand / work", "completed", "success"],
      ["trailhand / review", "completed", "action_required"],
    ]);
  });

  test("line ends that GitHub changed are none", async () => {
    const shown = new Shown(7);
    await settle(shown, now);
    const thread = shown.threads.get(7);
    const comments = thread?.comments.map((one) => ({
      ...one,
      body: `${one.body.replaceAll("\n", "\r\n")}\r\n`,
    }));
    shown.threads.set(7, { labels: thread?.labels ?? [], comments: comments ?? [] });
    expect(await settle(shown, now)).toEqual([]);
  });

  test("is nothing for an issue or a commit that is not there", async () => {
    const shown = new Shown();
    expect(kinds(await settle(shown, now))).toEqual(["react", "create-check"]);
    const present = { ...(await shown.read(now)), checks: new Map(), reactions: new Map() };
    expect(difference(present, now)).toEqual([]);
  });

  test("from anywhere leads to the same picture, also when it stops half-way", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 8 }), fc.nat({ max: 3 })), { maxLength: 6 }),
        fc.nat({ max: 3 }),
        async (past, last) => {
          const shown = new Shown(7);
          shown.say(7, 666, `${MARKER}x -->`);
          for (const [step, done, harm] of past) {
            const wanted = wantedAt(step);
            for (const write of difference(await shown.read(wanted), wanted).slice(0, done))
              shown.write(write);
            if (harm === 1) shown.threads.get(7)?.comments.splice(1, 1);
            if (harm === 2) shown.threads.get(7)?.labels.push("state:parked");
            if (harm === 3) shown.say(7, 1, `${MARKER}y -->`);
          }
          const wanted = wantedAt(last);
          await settle(shown, wanted);
          expect(await settle(shown, wanted)).toEqual([]);
          const { labels = [], comments = [] } = shown.threads.get(7) ?? {};
          expect(labels).toEqual([wanted.threads[0]?.label.name]);
          expect(comments.filter(({ authorId }) => authorId === 1).map(({ body }) => body)).toEqual([
            wanted.threads[0]?.body,
          ]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
