/** `sign: true`: what Trailhand puts on branches is signed, or waits, and no script runs twice for it. */
import { existsSync, readFileSync, renameSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeKey } from "../../support/person-commits.ts";
import { run } from "../../support/run-runner.ts";
import { answerOf, makeStage, salvages, type Stage } from "../../support/run-hostile-script.ts";
import { isVerified, useSshKey } from "../../support/signing-keys.ts";

const WORKFLOW = "sign: true\nstates:\n  work: { next: done, retries: 0, timeout: 10m, children: 5 }\n";
const COUNT = "echo x >> $OUT/ran";

const runs = (stage: Stage): number => {
  const file = join(stage.outside, "ran");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0;
};
const parked = ({ repo }: Stage) =>
  repo.git("for-each-ref", "--format=%(objectname)", "refs/trailhand/parked");

/** A stage whose repository signs with the key `$OUT/../key`, so that a script can break it. */
function signingStage(script: string) {
  const stage = makeStage(`${COUNT}\n${script}`, { workflow: WORKFLOW });
  const key = makeKey("signer");
  for (const end of ["", ".pub"]) renameSync(`${key.file}${end}`, join(stage.outside, `key${end}`));
  const file = join(stage.outside, "key");
  return { stage, key: useSshKey(stage.repo, { ...key, file }) };
}

const breakKey = (stage: Stage) => renameSync(join(stage.outside, "key"), join(stage.outside, "away"));
const repairKey = (stage: Stage) => renameSync(join(stage.outside, "away"), join(stage.outside, "key"));

describe("responses with `sign: true`", () => {
  it("are signed, with the requests of children, and not where the workflow does not say so", async () => {
    const child = `[{"key":"a","state":"work"}]`;
    const script = `
      if [ "$(git rev-parse --abbrev-ref HEAD)" = topic ]; then
        echo new > file; printf 'state=done\\nchildren=%s\\n' '${child}' > "$TRAILHAND_OUTPUT"
      else echo state=done > "$TRAILHAND_OUTPUT"; fi`;
    const { stage } = signingStage(script);
    const { events } = await run(stage.repo);
    expect(answerOf(stage).state, JSON.stringify(events)).toBe("done");
    expect(answerOf(stage).files).toContain("file");
    for (const branch of ["topic", "topic.a", "topic.a^"])
      expect(isVerified(stage.repo, branch), branch).toBe(true);
    expect(stage.repo.git("log", "-1", "--format=%an %cn", "topic")).toBe("Trailhand Trailhand");

    const plain = makeStage(`${COUNT}\ntrue`);
    useSshKey(plain.repo);
    await run(plain.repo);
    expect(answerOf(plain).state).toBe("done");
    expect(plain.repo.git("cat-file", "commit", "topic")).not.toContain("gpgsig");
  });

  it("are signed too when they report a failure", async () => {
    const { stage } = signingStage("echo left > file; exit 1");
    await run(stage.repo);
    expect(answerOf(stage).state).toBe("failed");
    expect(isVerified(stage.repo, "topic")).toBe(true);
    expect(salvages(stage)).toHaveLength(1);
  });

  it("are not begun while the key is missing or locked", async () => {
    const missing = signingStage("true");
    breakKey(missing.stage);
    await expect(run(missing.stage.repo)).rejects.toThrow(/A commit could not be signed: .*key/);

    const locked = signingStage("true");
    const lock = (old: string, passphrase: string) =>
      execFileSync("ssh-keygen", ["-q", "-p", "-P", old, "-N", passphrase, "-f", locked.key.file]);
    lock("", "a secret word");
    await expect(run(locked.stage.repo)).rejects.toThrow(/A commit could not be signed: .*passphrase/);

    const none = signingStage("true");
    none.stage.repo.git("config", "--unset", "user.signingKey");
    await expect(run(none.stage.repo)).rejects.toThrow("git config user.signingKey names no key");

    for (const { stage } of [missing, locked, none]) {
      expect(runs(stage)).toBe(0);
      expect(stage.repo.git("rev-parse", "topic")).toBe(stage.request);
      expect(stage.repo.git("for-each-ref", "refs/trailhand")).toBe("");
    }
    lock("a secret word", "");
    await run(locked.stage.repo);
    expect(isVerified(locked.stage.repo, "topic")).toBe(true);
    expect(runs(locked.stage)).toBe(1);
  });

  it("wait with git's words when the key is lost during the script, which does not run twice", async () => {
    for (const [ending, state] of [
      ["echo new > file", "done"],
      ["echo new > file; exit 1", "failed"],
    ] as const) {
      const { stage } = signingStage(`mv $OUT/key $OUT/away\n${ending}`);
      const { events } = await run(stage.repo, { once: true });
      const blocked = events.find(({ kind }) => kind === "blocked");
      expect(blocked, JSON.stringify(events)).toMatchObject({ branch: "topic" });
      expect(JSON.stringify(blocked)).toMatch(/its finished response waits for a signature: .*key/);
      expect(stage.repo.git("rev-parse", "topic")).toBe(stage.request);
      const waiting = parked(stage);
      expect(waiting).not.toBe("");
      if (state === "failed") expect(salvages(stage)).toHaveLength(1);
      await expect(run(stage.repo)).rejects.toThrow("A commit could not be signed");

      repairKey(stage);
      const later = await run(stage.repo);
      expect(later.events.map(({ kind }) => kind)).toEqual(["landed"]);
      expect(answerOf(stage)).toMatchObject({ state, answers: stage.request });
      expect(isVerified(stage.repo, "topic")).toBe(true);
      const content = (commit: string) =>
        stage.repo.git("log", "-1", "--format=%T %P %an %ae %at %cn %ct %B", commit);
      expect(content("topic")).toBe(content(waiting));
      expect(parked(stage)).toBe("");
      expect(runs(stage)).toBe(1);
    }
  });

  it("are kept under the salvage ref where they would also create branches, and use up no attempt", async () => {
    const script = `
      if [ -f $OUT/key ]; then mv $OUT/key $OUT/away; fi
      echo new > file
      printf 'state=done\\nchildren=%s\\n' '[{"key":"a","state":"work"}]' > "$TRAILHAND_OUTPUT"`;
    const { stage } = signingStage(script);
    const { events } = await run(stage.repo, { once: true });
    expect(events.at(-1)).toMatchObject({ kind: "resting", state: "work" });
    expect(JSON.stringify(events.at(-1))).toMatch(/its response could not be signed: .*key/);
    expect(parked(stage)).toBe("");
    const [saved = ""] = salvages(stage);
    expect(stage.repo.git("show", `${saved}:file`)).toBe("new");
    expect(stage.repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", saved).trim()).toBe(
      "done",
    );
    expect(stage.repo.git("log", "-1", "--format=%B", "--glob=refs/trailhand/leases/*")).toContain(
      "Attempt: 0",
    );
    expect(stage.repo.git("rev-parse", "topic")).toBe(stage.request);
  });
});

describe("a script's own commits with `sign: true`", () => {
  it("fail the attempt when they have no signature", async () => {
    const { stage } = signingStage("echo new > file; git add file; git commit -q -m mine");
    await run(stage.repo);
    expect(answerOf(stage).state).toBe("failed");
    expect(answerOf(stage).message).toMatch(/own commit [0-9a-f]{10} has no signature/);
    expect(isVerified(stage.repo, "topic")).toBe(true);
    expect(salvages(stage)).toHaveLength(1);
  });

  it("count when they are signed, and commits of other branches need no signature", async () => {
    const { stage } = signingStage(`
      signing() { git -c gpg.format=ssh -c user.signingKey=$OUT/key "$@"; }
      signing merge -q --no-ff -S -m 'merge main' main && signing commit -q --allow-empty -S -m mine`);
    stage.repo.commit("a commit of main without a signature");
    const { events } = await run(stage.repo);
    expect(answerOf(stage).state, JSON.stringify(events)).toBe("done");
    const subjects = stage.repo.git("log", "--format=%s", "-3", "--first-parent", "topic").split("\n");
    expect(subjects.slice(1)).toEqual(["mine", "merge main"]);
  });
});
