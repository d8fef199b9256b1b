/** Reads a JSON file that Trailhand wrote. */
import { readFileSync } from "node:fs";

/** The value; undefined when the file cannot be read, for example because a power cut left it empty. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
