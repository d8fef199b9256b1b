/** Removes loose objects that a power cut left empty. git takes them for present, and would never write them again. */
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** No object is empty: git writes it under another name first. */
export function removeEmptyObjects(commonDir: string): void {
  const store = join(commonDir, "objects");
  const folders = existsSync(store) ? readdirSync(store).filter((name) => /^[0-9a-f]{2}$/.test(name)) : [];
  for (const folder of folders)
    for (const name of readdirSync(join(store, folder))) {
      const file = join(store, folder, name);
      const stats = statSync(file, { throwIfNoEntry: false });
      if (/^[0-9a-f]{38,}$/.test(name) && stats?.isFile() && stats.size === 0) rmSync(file, { force: true });
    }
}
