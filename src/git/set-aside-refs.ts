/**
 * Moves side refs aside that cannot be read. They would keep their branches from running, because no process
 * can tell what they say.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HOLD, NAMESPACE } from "../core/protocol/refs.ts";
import type { UnreadableRef } from "./for-each-ref.ts";
import type { GitLocation } from "./open-repository.ts";
import { writeReason } from "./quarantine.ts";

/** True when there was one. Branches and the hold are a person's, and stay. */
export async function setAsideRefs(
  { git, commonDir }: Pick<GitLocation, "commonDir" | "git">,
  refs: readonly UnreadableRef[],
  quarantine: string,
): Promise<boolean> {
  const sideRefs = refs.filter(({ ref }) => ref.startsWith(NAMESPACE) && ref !== HOLD);
  for (const { ref, value, why } of sideRefs) {
    const folder = join(quarantine, ref.replaceAll("/", "-"));
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeReason(folder, `the ref ${ref} ${value === undefined ? "" : `at ${value} `}cannot be read: ${why}`);
    if (value === undefined) moveFile(join(commonDir, ref), join(folder, "ref"));
    else await git.run(["update-ref", "-d", ref, value], { allowedCodes: [1, 128] });
  }
  return sideRefs.length > 0;
}

/** git deletes no ref whose file it cannot read. */
function moveFile(from: string, to: string): void {
  try {
    writeFileSync(to, readFileSync(from));
    rmSync(from);
  } catch {
    // Another process was faster, or the next listing finds it again.
  }
}
