/**
 * Deliveries that were given up: one file each, to be looked at by a person.
 *
 * What must hold: a file is whole or not there; it holds the delivery itself, so that what was asked
 * for is not lost with the attempt to do it.
 */
import { readFileSync, readdirSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DeadLetter } from "./inbox.ts";
import type { Delivery } from "../api/delivery.ts";

const FOLDER = "failed";

/** What was given up in the spool of this folder, the oldest first; none when there is no spool. */
export function readDeadLetters(dir: string): DeadLetter[] {
  return names(dir)
    .flatMap((name) => read(join(dir, FOLDER, name)))
    .toSorted((a, b) => a.at - b.at);
}

export async function writeDeadLetter(
  dir: string,
  failure: DeadLetter,
  delivery: Delivery | undefined,
): Promise<void> {
  const folder = join(dir, FOLDER);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${failure.id}.json`);
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify({ ...failure, payload: delivery?.payload }));
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

export async function removeDeadLetter(dir: string, id: string): Promise<void> {
  await rm(join(dir, FOLDER, `${id}.json`), { force: true });
}

function names(dir: string): string[] {
  try {
    return readdirSync(join(dir, FOLDER)).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
}

function read(path: string): DeadLetter[] {
  try {
    const { id, name, reason, at } = JSON.parse(readFileSync(path, "utf8")) as DeadLetter;
    return [{ id, name, reason, at }];
  } catch {
    return [];
  }
}
