/** Reads the imports of a source file, and finds those that the row of its room does not allow. */
import { dirname, join } from "node:path";
import { ROOMS } from "./rooms.ts";

export interface Import {
  /** A path inside src/, or the name of a package. */
  readonly target: string;
  /** True when only types are imported. */
  readonly isType: boolean;
}

export interface SourceFile {
  /** Inside src/. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const STATEMENT = /^(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm;
const DYNAMIC = /\b(?:import|require)\s*\(\s*["'`]([^"'`]+)/g;

export function importsOf(path: string, text: string): Import[] {
  const imports = [
    ...[...text.matchAll(STATEMENT)].map(([, type, target = ""]) => ({ target, isType: type !== undefined })),
    ...[...text.matchAll(DYNAMIC)].map(([, target = ""]) => ({ target, isType: false })),
  ];
  return (
    imports
      // Other files are imported only in texts that the program writes.
      .filter(({ target }) => !target.startsWith(".") || target.endsWith(".ts"))
      .map(({ target, isType }) => ({
        target: target.startsWith(".") ? join(dirname(path), target) : target,
        isType,
      }))
  );
}

export function breachesOf({ path, imports }: SourceFile): string[] {
  const room = dirname(path);
  const row = ROOMS[room];
  return imports
    .filter(({ target, isType }) => {
      if (!row) return true;
      if (!target.endsWith(".ts")) return !isPackageAllowed(row.packages ?? [], target, isType);
      const to = dirname(target);
      const exception = row.exceptions?.[path];
      const allowed = [room, ...row.imports, ...(exception ?? [])];
      return !(allowed.includes(to) || (isType && matches(row.types ?? [], to)));
    })
    .map(({ target }) => `${path} imports ${target}`);
}

/** A name that ends in `/` allows everything below it; types of packages load nothing. */
const isPackageAllowed = (packages: readonly string[], target: string, isType: boolean): boolean =>
  packages.some((name) =>
    name.endsWith("/") || name.endsWith(":") ? target.startsWith(name) : target === name,
  ) ||
  (isType && packages.includes(`type ${target}`));

const matches = (rooms: readonly string[], to: string): boolean =>
  rooms.some((room) => to === room || (room.endsWith("/*") && to.startsWith(room.slice(0, -1))));
