/**
 * Plants faults into the record of a good trial, with plain git, to prove that the check finds them.
 *
 * What must hold: each works on a copy of its own, and changes nothing but what it says.
 */
import { appendFileSync, cpSync } from "node:fs";
import { HEADS, LANES, LEASES, leaseOf, readRefs } from "./check/ref-history.ts";
import { git, labAt, type Lab } from "./trial-directory.ts";
import { append, readEntries } from "./trial-log.ts";

/** A copy of what the check reads of a trial. */
export function copyRecord(root: string, to: string): Lab {
  const [from, lab] = [labAt(root), labAt(to)];
  for (const part of ["remote", "ledger", "incidents", "executions"] as const) {
    cpSync(from[part], lab[part], { recursive: true });
  }
  return lab;
}

/** A branch that was worked off, and its head. */
async function finished({ remote }: Lab): Promise<{ ref: string; head: string; request: string }> {
  for (const [ref, head] of readRefs(remote)) {
    if (!ref.startsWith(HEADS)) continue;
    const format = "--format=%(trailers:key=Answers,valueonly)%(trailers:key=State,valueonly)";
    const [request = "", state] = (await git(remote, ["log", "-1", format, head])).split("\n");
    if (state === "done") return { ref, head, request };
  }
  throw new Error("nothing was finished in this trial");
}

const commit = (lab: Lab, parent: string, message: string): Promise<string> =>
  git(lab.remote, ["commit-tree", "-p", parent, "-F", "-", `${parent}^{tree}`], message);

const update = (lab: Lab, ref: string, id: string): Promise<string> =>
  git(lab.remote, ["update-ref", ref, id]);

/** What a person pushed, as the trial would have recorded it. */
async function push(lab: Lab, ref: string, old: string, next: string): Promise<void> {
  await git(lab.remote, ["update-ref", ref, next, old]);
  append(lab.ledger, { at: Date.now(), by: "ann", kind: "planted", ref, old, new: next });
}

const answer = (request: string, branch: string): string =>
  `trailhand: check is done\n\nState: done\nBranch: ${branch}\nAnswers: ${request}\nRun: planted\n`;

/** Each fault, by the kind of finding that it must lead to. */
export const PLANTS: Readonly<Record<string, (lab: Lab) => Promise<unknown>>> = {
  async doubled(lab) {
    const { ref, head, request } = await finished(lab);
    await update(lab, ref, await commit(lab, head, answer(request, ref.replace(HEADS, ""))));
  },
  async lost(lab) {
    const { ref, head } = await finished(lab);
    await push(lab, ref, head, await commit(lab, head, "fix: by hand\n"));
    await update(lab, ref, head);
  },
  async unanswered(lab) {
    const { ref, head } = await finished(lab);
    await push(lab, ref, head, await commit(lab, head, "feat: more\n\nState: plan\n"));
  },
  async rogue(lab) {
    const { ref, head } = await finished(lab);
    await update(lab, ref, await commit(lab, head, "chore: a runner adds what nobody asked for\n"));
  },
  async lease(lab) {
    const { ref, head } = await finished(lab);
    await update(lab, leaseOf(ref), await commit(lab, head, "lease: left\n\nRun: planted\nLane: default\n"));
  },
  async slot(lab) {
    const { head } = await finished(lab);
    await update(lab, `${LANES}narrow/0`, await commit(lab, head, "lease: left\n\nRun: planted\n"));
  },
  async lane(lab) {
    const { head } = await finished(lab);
    for (const at of [0, 1, 2]) {
      const message = `lease: one of three\n\nRun: planted-${at}\nLane: narrow\nSlot: narrow/${at}\n`;
      const lease = await commit(lab, head, message);
      await update(lab, `${LEASES}${String(at).repeat(40)}`, lease);
    }
  },
  async unsaved(lab) {
    const { ref, request } = await finished(lab);
    const run = "planted-run";
    const words = ["m0", request, run, "plan", ref.replace(HEADS, "")].join(" ");
    appendFileSync(lab.executions, `start ${Date.now()} ${words}\nleft ${Date.now()} ${run}\n`);
  },
  async unclaimed(lab) {
    await PLANTS["unsaved"]?.(lab);
  },
  async record(lab) {
    const [entry] = readEntries(lab.ledger);
    if (entry) append(lab.ledger, { ...entry, ref: `${HEADS}never`, new: entry.new });
  },
};
