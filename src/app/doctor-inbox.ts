/** Checks for webhook deliveries that a server on this machine gave up. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readDeadLetters } from "../github/webhooks/dead-letters.ts";
import { stateFolder, type Environment } from "./workspace.ts";
import { cleanLine } from "../core/util/redact.ts";
import type { Finding } from "./finding.ts";

/** The newest ones. */
const SHOWN = 5;

export function findDeadLetters(env: Environment): Finding[] {
  const folder = stateFolder(env);
  const failures = namesIn(folder).flatMap((name) => readDeadLetters(join(folder, name)));
  return failures.slice(-SHOWN).map(({ id, name, reason, at }) => ({
    about: "delivery",
    level: "odd",
    what: `${name} ${cleanLine(id, 80)} was given up at ${new Date(at).toISOString()}: ${cleanLine(reason, 200)}`,
    next: "redeliver it in the App's settings on GitHub, under Advanced",
  }));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith("inbox-"));
  } catch {
    return [];
  }
}
