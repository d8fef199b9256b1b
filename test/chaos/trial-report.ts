/** Draws the end of a trial: the table, and the evidence for everything that is not zero. */
import type { Trial } from "./trial.ts";

/** Kinds of findings, in the order of the table; each must be zero. */
const KINDS: readonly (readonly [kind: string, title: string])[] = [
  ["doubled", "doubled answers"],
  ["unanswered", "unanswered requests"],
  ["lost", "lost commits"],
  ["rogue", "forbidden moves by runners"],
  ["lane", "overlaps in lanes"],
  ["unsaved", "work not saved"],
  ["unclaimed", "scripts without a lease"],
  ["lease", "leaked leases"],
  ["slot", "leaked places in lanes"],
  ["parked", "leaked parked answers"],
  ["worktree", "leaked worktrees"],
  ["process", "leaked processes"],
  ["late", "runners that did not end"],
  ["record", "gaps in the record"],
];

/** Figures that need not be zero, then those that must be. */
export function rowsOf(trial: Trial): (readonly [title: string, value: string | number])[] {
  const { counts, figures, people } = trial;
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  return [
    ["requests", figures.requests],
    ["answers", figures.answers],
    ["executions", figures.executions],
    ...KINDS.map(([kind, title]) => [title, countOf(trial, kind)] as const),
    ["kills", `${counts.kills} (${counts.gitKills} of git)`],
    ["pauses", counts.pauses],
    ["restarts", counts.restarts],
    ["outages", `${counts.outages} (${counts.wipes} with the disk)`],
    ["pushes of people", `${people.accepted + people.fed} (${people.refused} came to nothing)`],
    ["takeovers", figures.takeovers],
    ["fenced", trial.fenced],
    ["salvages", figures.salvages],
    ["half-made caches", trial.halfMade],
    ["runners that ended by themselves", trial.crashes.length],
    ["deaths that others cannot see", trial.apart ? "yes" : "no: namespaces are not permitted here"],
    ["quiet after", seconds(trial.quietAfterMs)],
    ["duration", seconds(trial.tookMs)],
  ];
}

export const countOf = (trial: Pick<Trial, "findings">, kind: string): number =>
  trial.findings.filter((one) => one.kind === kind).length;

export function tableOf(trial: Trial): string {
  const rows = rowsOf(trial);
  const width = Math.max(...rows.map(([title]) => title.length));
  return rows.map(([title, value]) => `${title.padEnd(width)}  ${value}\n`).join("");
}

const MOST_ENDS = 20;

/** What was found, and where to look further. */
export function evidenceOf({ findings, crashes, root }: Trial): string {
  const lines = findings.map(({ kind, what }) => `${kind}: ${what}\n`);
  const ends = crashes.slice(0, MOST_ENDS).map((what) => `ended by itself: ${what.slice(0, 300)}\n`);
  const where = findings.length > 0 ? `everything is in ${root}\n` : "";
  return [...lines, ...ends, where].join("");
}
