/** Finds out whether this machine stopped while a runner used a repository, and repairs what git wrote last. */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeEmptyObjects } from "../git/empty-objects.ts";
import { readJson } from "../git/read-json.ts";
import { isGone, ranBeforeBoot, thisOwner } from "../process/process-identity.ts";
import type { Workspace } from "./workspace.ts";

/** Writes down that this process uses the repository. Returns the function that ends that. */
export function noteUse({ cache }: Pick<Workspace, "cache">): () => void {
  const file = join(cache.uses, `${randomUUID()}.json`);
  try {
    mkdirSync(cache.uses, { recursive: true, mode: 0o700 });
    writeFileSync(file, JSON.stringify(thisOwner()));
  } catch {
    // A cache that cannot be written is reported where an attempt needs it.
    return () => undefined;
  }
  return () => rmSync(file, { force: true });
}

/** A file of git that was just written may be empty after a power cut, and git does not notice it by itself. */
export async function repairAfterPowerCut({ cache, location, remote }: Workspace): Promise<void> {
  const names = existsSync(cache.uses) ? readdirSync(cache.uses) : [];
  const files = names.map((name) => join(cache.uses, name)).filter((file) => isGone(readJson(file)));
  if (files.some((file) => ranBeforeBoot(readJson(file)))) {
    if (remote) await remote.checkCache();
    else removeEmptyObjects(location.commonDir);
  }
  for (const file of files) rmSync(file, { recursive: true, force: true });
}
