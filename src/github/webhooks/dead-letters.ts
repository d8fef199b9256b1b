/**
 * Stores deliveries that failed for good, one file each, for a person to read.
 *
 * Invariants:
 * - A file is complete or absent.
 * - It contains the delivery itself, so that nothing is lost.
 */
import { readFileSync, readdirSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DeadLetter } from "./inbox.ts";
import type { Delivery } from "../api/delivery.ts";

const FOLDER = "failed";

/** The dead letters of an inbox folder, oldest first. Empty when there is no folder. */
export function readDeadLetters(dir: string): DeadLetter[] {
  return names(dir)
    .flatMap((name) => read(join(dir, FOLDER, name)))
    .toSorted((a, b) => a.at - b.at);
}

export async function writeDeadLetter(
  dir: string,
  letter: DeadLetter,
  delivery: Delivery | undefined,
): Promise<void> {
  const folder = join(dir, FOLDER);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${letter.id}.json`);
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify({ ...letter, payload: delivery?.payload }));
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
