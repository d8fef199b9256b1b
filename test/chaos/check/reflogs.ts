/**
 * Checks the recorded transactions against git's reflogs, and the logged pushes against the record.
 *
 * Invariants:
 * - The lines of each existing reflog are the last recorded moves of its ref.
 * - Every logged push is recorded.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PushEntry } from "../trial-log.ts";
import type { Step } from "./branches.ts";
import { groupBy, type Finding, type History } from "./ref-history.ts";

export function findGaps(history: History, steps: readonly Step[], pushes: readonly PushEntry[]): Finding[] {
  const moves = groupBy(
    history.transactions.flatMap((transaction) => transaction.moves),
    ({ ref }) => ref,
  );
  const logs = [...history.refs].flatMap(([ref, id]): Finding[] => {
    const recorded = (moves.get(ref) ?? []).map(({ new: next }) => next);
    const logged = readLog(join(history.remote, "logs", ref));
    const end = recorded.slice(recorded.length - logged.length);
    const isSame =
      logged.length > 0 && logged.every((value, at) => value === end[at]) && recorded.at(-1) === id;
    return isSame
      ? []
      : [
          {
            kind: "record",
            what: `${ref} is at ${id}; logged ${logged.join(" ")}; recorded ${end.join(" ")}`,
          },
        ];
  });
  const recorded = new Set(steps.map(({ person }) => person));
  const unseen = pushes
    .filter((entry) => !recorded.has(entry))
    .map(({ ref, old, new: next }) => ({
      kind: "record",
      what: `a push of ${ref} from ${old} to ${next} is not recorded`,
    }));
  return [...logs, ...unseen];
}

/** The values of a ref since its creation, oldest first. */
function readLog(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      const [old, next] = line.split(" ");
      return next !== undefined && next !== old ? [next] : [];
    });
}
