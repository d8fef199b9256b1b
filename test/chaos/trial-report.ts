/** Formats the result of a trial: the table, and the evidence for every finding. */
import type { Trial } from "./trial.ts";

/** Kinds of findings, in the order of the table; each must be zero. */
const KINDS: readonly (readonly [kind: string, title: string])[] = [
  ["doubled", "doubled responses"],
  ["unanswered", "unanswered requests"],
  ["lost", "lost commits"],
  ["rogue", "forbidden moves by runners"],
  ["lane", "overlaps in lanes"],
  ["unsaved", "work not saved"],
  ["unclaimed", "scripts without a lease"],
  ["lease", "leaked leases"],
  ["slot", "leaked lane slots"],
  ["parked", "leaked parked responses"],
  ["worktree", "leaked worktrees"],
  ["process", "leaked processes"],
  ["late", "runners that did not end"],
  ["record", "gaps in the record"],
];

/** Informative figures, then those that must be zero. */
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
    ["pushes of people", `${people.accepted + people.refills} (${people.failed} without effect)`],
    ["takeovers", figures.takeovers],
    ["fenced", trial.fenced],
    ["salvages", figures.salvages],
    ["incomplete caches", trial.partialClones],
    ["unexpected ends of runners", trial.crashes.length],
    [
      "kills that other machines cannot see",
      trial.hasNamespaces ? "yes" : "no: namespaces are not permitted here",
    ],
    ["quiet after", seconds(trial.quietAfterMs)],
    ["duration", seconds(trial.durationMs)],
  ];
}

export const countOf = (trial: Pick<Trial, "findings">, kind: string): number =>
  trial.findings.filter((finding) => finding.kind === kind).length;

export function tableOf(trial: Trial): string {
  const rows = rowsOf(trial);
  const width = Math.max(...rows.map(([title]) => title.length));
  return rows.map(([title, value]) => `${title.padEnd(width)}  ${value}\n`).join("");
}

const MAX_ENDS = 20;

/** Lists the findings, and where to look further. */
export function evidenceOf({ findings, crashes, root }: Trial): string {
  const lines = findings.map(({ kind, what }) => `${kind}: ${what}\n`);
  const ends = crashes.slice(0, MAX_ENDS).map((what) => `unexpected end: ${what.slice(0, 300)}\n`);
  const where = findings.length > 0 ? `the directory of the trial is ${root}\n` : "";
  return [...lines, ...ends, where].join("");
}
