/**
 * Plants faults into the record of a good trial with plain git, to prove that the check finds them.
 *
 * Invariants:
 * - Each fault changes a copy, and nothing but what it says.
 */
import { appendFileSync, cpSync } from "node:fs";
import { HEADS, LANES, LEASES, leaseOf, readRefs } from "./check/ref-history.ts";
import { git, trialDirectoryAt, type TrialDirectory } from "./trial-directory.ts";
import { appendEntry, readPushes } from "./trial-log.ts";

/** Copies the files that the check reads. */
export function copyRecord(root: string, to: string): TrialDirectory {
  const [from, directory] = [trialDirectoryAt(root), trialDirectoryAt(to)];
  for (const part of ["remote", "pushes", "incidents", "executions"] as const) {
    cpSync(from[part], directory[part], { recursive: true });
  }
  return directory;
}

/** A branch that is done, with its head and its last request. */
async function findFinished({
  remote,
}: TrialDirectory): Promise<{ ref: string; head: string; request: string }> {
  for (const [ref, head] of readRefs(remote)) {
    if (!ref.startsWith(HEADS)) continue;
    const format = "--format=%(trailers:key=Answers,valueonly)%(trailers:key=State,valueonly)";
    const [request = "", state] = (await git(remote, ["log", "-1", format, head])).split("\n");
    if (state === "done") return { ref, head, request };
  }
  throw new Error("no request was done in this trial");
}

const commit = (directory: TrialDirectory, parent: string, message: string): Promise<string> =>
  git(directory.remote, ["commit-tree", "-p", parent, "-F", "-", `${parent}^{tree}`], message);

const update = (directory: TrialDirectory, ref: string, id: string): Promise<string> =>
  git(directory.remote, ["update-ref", ref, id]);

/** A push of a person, recorded as in a trial. */
async function push(directory: TrialDirectory, ref: string, old: string, next: string): Promise<void> {
  await git(directory.remote, ["update-ref", ref, next, old]);
  appendEntry(directory.pushes, { at: Date.now(), by: "ann", kind: "planted", ref, old, new: next });
}

const answer = (request: string, branch: string): string =>
  `trailhand: check is done\n\nState: done\nBranch: ${branch}\nAnswers: ${request}\nRun: planted\n`;

/** Each fault, by the kind of finding that it must cause. */
export const PLANTED_FAULTS: Readonly<Record<string, (lab: TrialDirectory) => Promise<unknown>>> = {
  async doubled(directory) {
    const { ref, head, request } = await findFinished(directory);
    await update(directory, ref, await commit(directory, head, answer(request, ref.replace(HEADS, ""))));
  },
  async lost(directory) {
    const { ref, head } = await findFinished(directory);
    await push(directory, ref, head, await commit(directory, head, "fix: by hand\n"));
    await update(directory, ref, head);
  },
  async unanswered(directory) {
    const { ref, head } = await findFinished(directory);
    await push(directory, ref, head, await commit(directory, head, "feat: more\n\nState: plan\n"));
  },
  async rogue(directory) {
    const { ref, head } = await findFinished(directory);
    await update(
      directory,
      ref,
      await commit(directory, head, "chore: a runner adds a commit without a request\n"),
    );
  },
  async lease(directory) {
    const { ref, head } = await findFinished(directory);
    await update(
      directory,
      leaseOf(ref),
      await commit(directory, head, "lease: left\n\nRun: planted\nLane: default\n"),
    );
  },
  async slot(directory) {
    const { head } = await findFinished(directory);
    await update(
      directory,
      `${LANES}narrow/0`,
      await commit(directory, head, "lease: left\n\nRun: planted\n"),
    );
  },
  async lane(directory) {
    const { head } = await findFinished(directory);
    for (const at of [0, 1, 2]) {
      const message = `lease: one of three\n\nRun: planted-${at}\nLane: narrow\nSlot: narrow/${at}\n`;
      const lease = await commit(directory, head, message);
      await update(directory, `${LEASES}${String(at).repeat(40)}`, lease);
    }
  },
  async unsaved(directory) {
    const { ref, request } = await findFinished(directory);
    const run = "planted-run";
    const words = ["m0", request, run, "plan", ref.replace(HEADS, "")].join(" ");
    appendFileSync(directory.executions, `start ${Date.now()} ${words}\nleft ${Date.now()} ${run}\n`);
  },
  async unclaimed(directory) {
    await PLANTED_FAULTS["unsaved"]?.(directory);
  },
  async record(directory) {
    const [entry] = readPushes(directory.pushes);
    if (entry) appendEntry(directory.pushes, { ...entry, ref: `${HEADS}never`, new: entry.new });
  },
};
