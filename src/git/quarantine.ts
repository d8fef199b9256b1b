/** Folders that were moved aside because what they hold could not be saved. `trailhand doctor` names each. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { cleanLine } from "../core/util/redact.ts";

const REASON = "reason.txt";
const LONGEST = 400;

/** Writing the reason sets the time from which `trailhand gc` counts. */
export function moveAside(folder: string, quarantine: string, reason: string): void {
  mkdirSync(quarantine, { recursive: true, mode: 0o700 });
  writeReason(folder, reason);
  let target = join(quarantine, basename(folder));
  for (let count = 2; existsSync(target); count++) target = join(quarantine, `${basename(folder)}-${count}`);
  renameSync(folder, target);
}

export const writeReason = (folder: string, reason: string): void =>
  writeFileSync(join(folder, REASON), `${reason}\n`);

export function readReason(folder: string): string {
  try {
    return cleanLine(readFileSync(join(folder, REASON), "utf8"), LONGEST);
  } catch {
    return "the reason cannot be read";
  }
}
