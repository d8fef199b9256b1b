/** Damages files as a power cut does, and lists those of a folder. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const DAMAGES = {
  empty: (file: string) => overwrite(file, ""),
  half: (file: string) => {
    const text = readFileSync(file);
    overwrite(file, text.subarray(0, Math.floor(text.length / 2)));
  },
  garbage: (file: string) => overwrite(file, "\0\0\0\0 garbage {\n"),
  folder: (file: string) => {
    rmSync(file);
    mkdirSync(file);
  },
} as const;
export type Damage = keyof typeof DAMAGES;

function overwrite(file: string, text: Buffer | string): void {
  rmSync(file);
  writeFileSync(file, text);
}

/** Every regular file below a folder, relative to it, in the same order each time. */
export function filesBelow(root: string, folder = ""): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const name = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(root, name) : entry.isFile() ? [name] : [];
    });
}
