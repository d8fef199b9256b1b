/** Checks for refs that cannot be read, for example after a power cut. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { branchOf, parseSha } from "../core/protocol/ids.ts";
import { shellWord } from "../core/messages/messages.ts";
import { cleanLine } from "../core/util/redact.ts";
import type { UnreadableRef } from "../git/for-each-ref.ts";
import type { Finding } from "./finding.ts";
import type { Workspace } from "./workspace.ts";

/** The refs that the last listing left out. */
export function checkRefs({ location, repository }: Workspace): Finding[] {
  return repository.unreadableRefs.map(({ ref, value, why }): Finding => {
    const what = `${cleanLine(ref, 200)} cannot be read, so nothing runs there: ${cleanLine(why, 300)}`;
    return { about: "ref", level: "bad", what, next: commandFor(location.commonDir, { ref, value }) };
  });
}

function commandFor(commonDir: string, { ref, value }: Pick<UnreadableRef, "ref" | "value">): string {
  if (branchOf(ref) === undefined) return "trailhand run";
  // The value before the one that cannot be read.
  const last = readLog(join(commonDir, "logs", ref)).findLast((id) => id !== value);
  const restored = `git update-ref ${shellWord(ref)} ${last ?? "<commit>"}`;
  return value === undefined ? `rm -f ${shellWord(join(commonDir, ref))} && ${restored}` : restored;
}

/** The commits that a ref pointed to, oldest first. */
function readLog(file: string): string[] {
  try {
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.flatMap((line) => parseSha(line.split(" ")[1] ?? "") ?? []);
  } catch {
    return [];
  }
}
