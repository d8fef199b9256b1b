/** What `trailhand doctor` says of the deliveries that a server on this machine gave up. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readDeadLetters } from "../github/webhooks/dead-letters.ts";
import { stateFolder, type Environment } from "./workspace.ts";
import { printable } from "../cli/render/terminal.ts";
import type { Notice } from "./doctor-notices.ts";

const SHOWN = 5;

export function findDeadLetters(env: Environment): Notice[] {
  const folder = stateFolder(env);
  const failures = namesIn(folder).flatMap((name) => readDeadLetters(join(folder, name)));
  return failures.slice(-SHOWN).map(({ id, name, reason, at }) => ({
    about: "delivery",
    level: "odd",
    what: `${name} ${printable(id)} was given up at ${new Date(at).toISOString()}: ${printable(reason, 200)}`,
    next: "deliver it again: the App's settings on GitHub, under Advanced",
  }));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith("inbox-"));
  } catch {
    return [];
  }
}
