/**
 * Bundles the simulation with the real source, or with a mutant of it.
 *
 * Invariants:
 * - The text that a mutant replaces occurs exactly once in its file.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import type { Mutant } from "./mutants.ts";
import type * as simulation from "./simulate.ts";

export type Simulation = typeof simulation;

/** Returns the source with the mutant. */
function plantMutant(
  root: string,
  { name, file, find, replace, also }: Mutant,
): { path: string; contents: string } {
  const path = join(root, "src", file);
  let contents = readFileSync(path, "utf8");
  for (const edit of [{ find, replace }, ...(also ? [also] : [])]) {
    const parts = contents.split(edit.find);
    if (parts.length !== 2) {
      throw new Error(
        `"${name}" must match once in src/${file}, but matches ${parts.length - 1} times: ${edit.find}`,
      );
    }
    contents = parts.join(edit.replace);
  }
  return { path, contents };
}

function mutation(root: string, mutant: Mutant): Plugin {
  const { path, contents } = plantMutant(root, mutant);
  return {
    name: "mutant",
    setup(bundle) {
      bundle.onLoad({ filter: /\.ts$/ }, (args) =>
        args.path === path ? { contents, loader: "ts" } : undefined,
      );
    },
  };
}

/** `root` is the folder of src/. */
export async function loadSimulation(root: string, mutant?: Mutant): Promise<Simulation> {
  // Below the root, so that packages are found, and loaded once for all mutants.
  mkdirSync(join(root, "dist"), { recursive: true });
  const folder = mkdtempSync(join(root, "dist", "simulation-"));
  const outfile = join(folder, "simulate.mjs");
  try {
    await build({
      absWorkingDir: root,
      entryPoints: ["test/simulation/simulate.ts"],
      outfile,
      bundle: true,
      platform: "node",
      target: "node20.19",
      format: "esm",
      logLevel: "warning",
      plugins: mutant ? [mutation(root, mutant)] : [],
      packages: "external",
    });
    return (await import(pathToFileURL(outfile).href)) as Simulation;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
