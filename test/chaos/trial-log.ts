/**
 * What people pushed, and what was done to the machines: one JSON line each, written when it is
 * certain.
 *
 * What must hold: a person's push is in it if and only if the remote accepted it.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";

export interface Entry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly by: string;
  readonly kind: string;
  readonly ref: string;
  readonly old: string | null;
  readonly new: string | null;
}

/** Something that happened to a runner or a machine. */
export interface Incident {
  readonly at: number;
  readonly kind: string;
  readonly machine: string;
  readonly what: string;
}

export function append(file: string, one: Entry | Incident): void {
  appendFileSync(file, `${JSON.stringify(one)}\n`);
}

export const readEntries = (file: string): Entry[] => readLines(file) as Entry[];
export const readIncidents = (file: string): Incident[] => readLines(file) as Incident[];

function readLines(file: string): unknown[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);
}
