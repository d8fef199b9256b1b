/** Complaints about unreadable histories. */
import { expect, test } from "vitest";
import { answerOf, makeStage, runStage } from "../../support/run-hostile-script.ts";
import { ask, states } from "../../support/complaint-fixture.ts";
import { LONG_TTL_MS, withQuickRenewals } from "../../support/quick-clock.ts";

const THREE = `states:
  work: { next: check, retries: 2, backoff: 20ms }
  check: { next: land }
  land: { next: done }
`;
/** A script that asks to run later once, fails once, then answers. */
const TRIES = `n=$(cat $OUT/n 2>/dev/null || echo 0); echo $((n+1)) > $OUT/n; echo half > half.txt
[ $n = 0 ] && { echo retry-after=20ms >> "$TRAILHAND_OUTPUT"; exit 75; }
[ $n = 1 ] && exit 1
echo whole > whole.txt; rm half.txt`;
const NEXT = "#!/bin/sh\nsleep 0.2\n";

test("noisy-history: a branch has one commit for each hand-off; leases, failed attempts and salvage stay on side refs", async () => {
  const one = makeStage(TRIES, { workflow: THREE, files: { "states/check": NEXT, "states/land": NEXT } });
  const { repo } = one;
  ask(repo, "untouched", "feat: not a request\n");
  const others = repo.git("rev-parse", "main", "untouched");
  // The lease is renewed without waiting.
  await runStage(one, {
    options: { ttlMs: LONG_TTL_MS },
    change: (ports) => ({ ...ports, clock: withQuickRenewals(ports.clock) }),
  });
  expect(answerOf(one).state).toBe("done");
  expect(states(repo)).toEqual(["work", "check", "land", "done"]);
  expect(repo.git("rev-list", "--count", "main..topic")).toBe("4");
  expect(
    repo.git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags", "refs/notes").split("\n"),
  ).toEqual(["refs/heads/main", "refs/heads/topic", "refs/heads/untouched"]);
  expect(repo.git("rev-parse", "main", "untouched")).toBe(others);
  expect(repo.git("diff", "--name-only", "main", "topic")).toBe("whole.txt");
  // Side refs still record the failed attempts.
  const side = repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand").split("\n");
  expect(side.map((ref) => ref.split("/")[2])).toEqual(["journal", "salvage", "salvage"]);
  expect(repo.git("log", "--format=%B", "topic")).not.toMatch(/exit 1|asked to run later/i);
});
