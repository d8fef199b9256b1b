/** Race conditions that rarely occur: each test forces one. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Sha } from "../../../src/core/protocol/ids.ts";
import type { Ports, Repository } from "../../../src/engine/ports.ts";
import { leftovers } from "../../support/crash-runner.ts";
import { answerOf, makeStage, runStage, type Stage } from "../../support/run-hostile-script.ts";
import { LONG_TTL_MS, withQuickRenewals } from "../../support/quick-clock.ts";
import { until } from "../../support/until.ts";

/** Ports with some methods of the repository replaced. */
function replacing(ports: Ports, change: (repository: Repository) => Partial<Repository>): Ports {
  const { repository } = ports;
  const changed = change(repository);
  const proxy = new Proxy(repository, {
    get(target, name) {
      const member: unknown = Reflect.get(changed, name) ?? Reflect.get(target, name, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
  return { ...ports, repository: proxy };
}

/** A person's commit on `topic`. */
function commit({ repo }: Stage, parent = "topic"): Sha {
  const created = repo.gitIn(
    "fix: by a person\n",
    "commit-tree",
    "-p",
    parent,
    "-F",
    "-",
    `${parent}^{tree}`,
  );
  return created as Sha;
}

test("a head that moves between the poll and the claim is not run", async () => {
  const stage = makeStage("touch $OUT/started");
  let personCommit: Sha | undefined;
  const { events, summary } = await runStage(stage, {
    change: (ports) =>
      replacing(ports, (repository) => ({
        swap: (updates, why) => {
          if (personCommit === undefined && why.startsWith("claim")) {
            personCommit = commit(stage);
            stage.repo.git("update-ref", "refs/heads/topic", personCommit);
          }
          return repository.swap(updates, why);
        },
      })),
  });
  expect(events.map(({ kind }) => kind)).toEqual(["lost"]);
  expect(summary.startedCount).toBe(0);
  expect(existsSync(join(stage.outside, "started"))).toBe(false);
  expect(stage.repo.git("rev-parse", "topic")).toBe(personCommit);
  expect(leftovers(stage.repo)).toEqual([]);
});

test("a response that does not descend from its request is never applied", async () => {
  const stage = makeStage("true");
  const other = commit(stage, "main");
  const { events } = await runStage(stage, {
    change: (ports) => ({ ...ports, trees: collecting(ports.trees, other) }),
  });
  expect(events.at(-1)).toMatchObject({ kind: "fault", branch: "topic" });
  expect(stage.repo.git("rev-parse", "topic")).toBe(stage.request);
});

/** The same trees, but every script leaves this commit. */
const collecting = (trees: Ports["trees"], head: Sha): Ports["trees"] => ({
  open: (...args) => trees.open(...args),
  collect: async () => ({ head, tree: head, hasChanges: true }),
  take: (...args) => trees.take(...args),
  save: (...args) => trees.save(...args),
  release: (...args) => trees.release(...args),
  sweep: () => trees.sweep(),
});

test("each renewal gives the lease a new value, so that other runners see it change", async () => {
  const stage = makeStage("while [ ! -e $OUT/end ]; do sleep 0.2; done");
  const values = new Set<Sha>();
  const { events } = await runStage(stage, {
    options: { ttlMs: LONG_TTL_MS },
    change: (ports) =>
      replacing({ ...ports, clock: withQuickRenewals(ports.clock) }, (repository) => ({
        swap: (updates, why) => {
          if (why === "renew") values.add(updates[0]?.next as Sha);
          if (values.size > 2) writeFileSync(join(stage.outside, "end"), "");
          return repository.swap(updates, why);
        },
      })),
  });
  expect(events.at(-1)?.kind).toBe("answered");
  expect(values.size).toBeGreaterThan(2);
});

test("an attempt that ends during a poll is followed by another poll", async () => {
  const stage = makeStage("sleep 0.5", {
    workflow: "states:\n  work: { next: again }\n  again: { next: done }\n",
    files: { "states/again": "#!/bin/sh\ntrue\n" },
  });
  const kinds: string[] = [];
  let polls = 0;
  const { summary } = await runStage(stage, {
    options: { pollInterval: { shortestMs: 20, longestMs: 20 } },
    change: (ports) => ({
      ...replacing(ports, (repository) => ({
        async listRefs() {
          if (++polls !== 2) return repository.listRefs();
          // Read during the attempt, and returned after its end.
          await until("the claim", () => kinds.includes("claimed"));
          const listing = await repository.listRefs();
          await until("the answer", () => kinds.includes("answered"));
          await new Promise((resolve) => setTimeout(resolve, 100));
          return listing;
        },
      })),
      report: ({ kind }) => kinds.push(kind),
    }),
  });
  expect(answerOf(stage).state).toBe("done");
  expect(summary.startedCount).toBe(2);
});
