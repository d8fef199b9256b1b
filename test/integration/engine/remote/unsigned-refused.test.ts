/** `sign: true` at a remote whose hook refuses commits without a signature on branches. */
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { branchKey } from "../../../../src/git/swap-refs.ts";
import type { Branch } from "../../../../src/core/protocol/ids.ts";
import {
  answersTo,
  ask,
  makeRemote,
  makeRunner,
  sideRefs,
  trailerOf,
  type Stage,
} from "../../../support/bare-remote.ts";
import { makeKey } from "../../../support/person-commits.ts";
import { isVerified, refuseUnsigned, useSshKey } from "../../../support/signing-keys.ts";

const WORKFLOW = "sign: true\nstates:\n  work: { next: done, retries: 0 }\n";
const REQUEST = "feat: a thing\n\nPlease.\n\nState: work\n";

/** A remote that refuses unsigned commits, and a person's clone with the key `$OUT/key`. */
function prepare(script: string): Stage {
  const stage = makeRemote({
    "states/workflow.yml": WORKFLOW,
    "states/work": `#!/bin/sh\necho x >> $OUT/ran\n${script}\n`,
  });
  const key = makeKey("signer");
  for (const end of ["", ".pub"]) renameSync(`${key.file}${end}`, join(stage.outside, `key${end}`));
  useSshKey(stage.person, { ...key, file: join(stage.outside, "key") });
  refuseUnsigned(stage.remote, key);
  stage.person.git("config", "commit.gpgSign", "true");
  return stage;
}

const runs = ({ outside }: Stage) =>
  existsSync(join(outside, "ran")) ? readFileSync(join(outside, "ran"), "utf8").length / 2 : 0;
const move = ({ outside }: Stage, from: string, to: string) =>
  renameSync(join(outside, from), join(outside, to));

it("responses arrive, and the hook is real", async () => {
  const stage = prepare("echo new > file");
  const request = ask(stage, "topic", REQUEST);
  await (await makeRunner(stage, "a")).run();
  expect(trailerOf(stage, "topic", "State")).toBe("done");
  expect(isVerified(stage.remote, "topic")).toBe(true);
  expect(answersTo(stage, request)).toBe(1);
  stage.person.git("commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", "unsigned");
  expect(() => stage.person.git("push", "-q", "origin", "HEAD:refs/heads/other")).toThrow("no signature on");
});

it("a response whose key was lost waits for the machine that wrote it, and the script runs once", async () => {
  const stage = prepare("mv $OUT/key $OUT/away; echo new > file");
  const request = ask(stage, "topic", REQUEST);
  const first = await (await makeRunner(stage, "a", { once: true })).run();
  expect(JSON.stringify(first.events)).toMatch(/its finished response waits for a signature: .*key/);
  expect(stage.remote.git("rev-parse", "topic")).toBe(request);
  expect(sideRefs(stage, "parked")).toHaveLength(1);
  expect(sideRefs(stage, "leases")).toEqual([]);
  await expect((await makeRunner(stage, "a", { once: true })).run()).rejects.toThrow(
    "A commit could not be signed",
  );

  move(stage, "away", "key");
  const other = await (await makeRunner(stage, "b", { once: true })).run();
  expect(JSON.stringify(other.events)).toContain(
    "was written on another machine, whose runner has to sign it",
  );
  expect(stage.remote.git("rev-parse", "topic")).toBe(request);

  const last = await (await makeRunner(stage, "a")).run();
  expect(last.events).toMatchObject([{ kind: "landed", commit: stage.remote.git("rev-parse", "topic") }]);
  expect(isVerified(stage.remote, "topic")).toBe(true);
  expect(trailerOf(stage, "topic", "Answers")).toBe(request);
  expect(sideRefs(stage, "parked")).toEqual([]);
  expect(runs(stage)).toBe(1);
});

it("no runner signs what another account pushed to the side ref of a response", async () => {
  const stage = prepare("true");
  const request = ask(stage, "topic", REQUEST);
  const message = `forged\n\nState: done\nAnswers: ${request}\nRun: 00000000-0000-4000-8000-000000000000\n`;
  const tree = stage.person.git("rev-parse", "topic^{tree}");
  const forged = stage.person.gitIn(message, "commit-tree", "-p", request, "-F", "-", tree);
  const unsigned = `refs/trailhand/unsigned/${forged}`;
  const parked = `refs/trailhand/parked/${branchKey("topic" as Branch)}`;
  stage.person.git("push", "-q", "origin", `${forged}:${parked}`, `${forged}:${unsigned}`);
  const { events } = await (await makeRunner(stage, "a", { once: true })).run();
  expect(events).toMatchObject([{ kind: "blocked", branch: "topic" }]);
  expect(stage.remote.git("rev-parse", "topic")).toBe(request);
  expect(runs(stage)).toBe(0);
});

it("a script's commit without a signature fails the attempt before anything is pushed", async () => {
  const stage = prepare("echo new > file; git add file; git commit -q -m mine");
  ask(stage, "topic", REQUEST);
  await (await makeRunner(stage, "a")).run();
  expect(trailerOf(stage, "topic", "State")).toBe("failed");
  expect(stage.remote.git("log", "-1", "--format=%B", "topic")).toMatch(
    /own commit [0-9a-f]{10} has no signature/,
  );
  expect(sideRefs(stage, "salvage")).toHaveLength(1);
});
