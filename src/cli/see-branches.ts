/**
 * Looks at all branches as GitHub is to be told of them: decisions, states, hand-offs.
 *
 * What must hold: nothing is written; a branch that nobody asked anything of costs nothing.
 */
import { readTrail } from "../git/repository.ts";
import type { Ref, Sha } from "../core/ids.ts";
import { refsOf } from "../core/lease.ts";
import { readTimeline } from "../core/timeline.ts";
import type { Head } from "../core/view.ts";
import type { Workflow } from "../core/workflow.ts";
import { ownTrail } from "../github/projection.ts";
import { standingOf, type Seen } from "../github/turn.ts";
import type { Site } from "../site.ts";
import { asAdmitted, present, reasonIn, stateOf, survey } from "./survey.ts";

/** As much of a branch's history as is shown of it. */
const DEPTH = 200;

export interface Branches {
  readonly seen: readonly Seen[];
  readonly workflow: Workflow;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What was read of a branch at an earlier look, by its commit and its journal's. */
export type Memory = Map<string, Pick<Seen, "trail" | "timeline">>;

/** One look. A `memory` that is given again spares reading what did not change. */
export async function seeBranches(site: Site, memory: Memory = new Map()): Promise<Branches> {
  const found = await survey(site, present());
  const { view, contract, now } = found;
  const shown = found.decisions
    .map((one) => asAdmitted(found, one))
    .map((decision): Seen => {
      const { head } = decision;
      const approved = view.facts.approved.get(head.key);
      const state = stateOf(view, head) ?? approved?.request.state;
      const reason = reasonIn(found, decision);
      return { decision, reason, state, approves: approved?.approved, trail: [], timeline: [] };
    })
    .filter((one) => standingOf(one) !== undefined);
  const journals = shown.map(({ decision }) => refsOf(decision.head.key).journal);
  const tips = journals.length === 0 ? new Map<Ref, null>() : await site.repository.read(journals);
  const seen: Seen[] = [];
  const read: Memory = new Map();
  for (const [at, one] of shown.entries()) {
    const { head } = one.decision;
    const tip = tips.get(journals[at] as Ref) ?? undefined;
    const key = `${head.branch} ${head.commit} ${tip}`;
    const past = memory.get(key) ?? (await readPast(site, head, tip));
    read.set(key, past);
    seen.push({ ...one, ...past });
  }
  memory.clear();
  for (const [key, past] of read) memory.set(key, past);
  return { seen, workflow: contract.workflow, now: now.wall };
}

async function readPast(site: Site, { branch, commit }: Head, journal: Sha | undefined) {
  const trail = ownTrail(branch, await readTrail(site.place, commit, DEPTH));
  const attempts = journal === undefined ? [] : await readTrail(site.place, journal, DEPTH);
  return { trail, timeline: readTimeline(branch, trail, attempts) };
}
