/**
 * Loads the bundled program with the code cache that the build created. Compiling is half of the cost
 * of a short command; see `npm run bench -- start-up`.
 *
 * Invariants:
 * - V8 rejects the cache of another node; the program then loads without it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";

/** What `dispatch.ts` exports, once it is bundled. */
interface Program {
  readonly main: (argv: readonly string[]) => Promise<number>;
}

export interface Loaded {
  readonly script: Script;
  readonly program: Program;
}

export const CACHE_FILE = "cli.cache";
/** The runner needs most of the program, and other commands little of it. */
export const RUN_CACHE_FILE = "run.cache";

/** `folder` is where the build put the bundle. */
export function load(folder: string, cacheFile: string): Loaded {
  const file = join(folder, "cli.js");
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, "utf8")}\n})`;
  const cachedData = readCache(join(folder, cacheFile));
  const script = new Script(wrapped, { filename: file, ...(cachedData ? { cachedData } : {}) });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, file, folder);
  return { script, program: module.exports as Program };
}

function readCache(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
