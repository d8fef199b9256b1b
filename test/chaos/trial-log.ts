/**
 * The logs of a trial: pushes of people, and incidents of machines, as JSON lines.
 *
 * Invariants:
 * - A person's push is logged if and only if the remote accepted it.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";

export interface PushEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly by: string;
  readonly kind: string;
  readonly ref: string;
  readonly old: string | null;
  readonly new: string | null;
}

/** A fault or event of a runner or machine. */
export interface Incident {
  readonly at: number;
  readonly kind: string;
  readonly machine: string;
  readonly what: string;
}

export function appendEntry(file: string, entry: PushEntry | Incident): void {
  appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

export const readPushes = (file: string): PushEntry[] => readLines(file) as PushEntry[];
export const readIncidents = (file: string): Incident[] => readLines(file) as Incident[];

function readLines(file: string): unknown[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);
}
