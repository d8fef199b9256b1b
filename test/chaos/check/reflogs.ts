/**
 * Checks the record itself against git's own logs of the refs, and the ledger against the record.
 *
 * What must hold: every line of a log that still exists is in the record, in that order, at its
 * end; every push in the ledger is in the record.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "../trial-log.ts";
import type { Step } from "./branches.ts";
import { groupBy, type Finding, type History } from "./ref-history.ts";

export function findGaps(history: History, steps: readonly Step[], ledger: readonly Entry[]): Finding[] {
  const moves = groupBy(
    history.transactions.flatMap((transaction) => transaction.moves),
    ({ ref }) => ref,
  );
  const logs = [...history.refs].flatMap(([ref, id]): Finding[] => {
    const recorded = (moves.get(ref) ?? []).map(({ new: next }) => next);
    const logged = readLog(join(history.remote, "logs", ref));
    const end = recorded.slice(recorded.length - logged.length);
    const same =
      logged.length > 0 && logged.every((value, at) => value === end[at]) && recorded.at(-1) === id;
    return same
      ? []
      : [
          {
            kind: "record",
            what: `${ref} is at ${id}; logged ${logged.join(" ")}; recorded ${end.join(" ")}`,
          },
        ];
  });
  const seen = new Set(steps.map(({ person }) => person));
  const unseen = ledger
    .filter((entry) => !seen.has(entry))
    .map(({ ref, old, new: next }) => ({
      kind: "record",
      what: `a push of ${ref} from ${old} to ${next} left no trace`,
    }));
  return [...logs, ...unseen];
}

/** The values that a ref took since it was made, oldest first. */
function readLog(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      const [old, next] = line.split(" ");
      return next !== undefined && next !== old ? [next] : [];
    });
}
