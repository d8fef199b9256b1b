/**
 * Asks the remote of a submodule whether it has a commit.
 *
 * Invariants:
 * - The address comes from the script, so it gets no credential and no setting of the person.
 */
import { mkdirSync, realpathSync, rmSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type BoundedGit, isGitProblem } from "../bounded-git.ts";
import { GIT_LIMITS } from "../timing.ts";
import type { AttemptFolder } from "./attempt-folder.ts";
import type { Link } from "./submodules.ts";

/** The address of each submodule by its path, as the tree declares it. */
export async function submoduleAddresses(
  own: BoundedGit,
  tree: string,
): Promise<ReadonlyMap<string, string>> {
  const file = join(tree, ".gitmodules");
  let output: string;
  try {
    output = await own.text(["config", "--file", file, "--no-includes", "--list", "-z"]);
  } catch (error) {
    if (isGitProblem(error)) return new Map();
    throw error;
  }
  return new Map([...parseSubmodules(output)].map(([path, { url }]) => [path, url]));
}

export interface Submodule {
  readonly name: string;
  readonly url: string;
}

/** The submodules in a listing of `.gitmodules`, by their paths. */
export function parseSubmodules(output: string): Map<string, Submodule> {
  const values = new Map(
    output.split("\0").map((entry) => {
      const at = entry.indexOf("\n");
      return [entry.slice(0, at), entry.slice(at + 1)] as const;
    }),
  );
  const paths = [...values].flatMap(([key, path]) => {
    const [, name] = /^submodule\.(.+)\.path$/s.exec(key) ?? [];
    const url = values.get(`submodule.${name}.url`);
    return name === undefined || url === undefined ? [] : [[path, { name, url }] as const];
  });
  return new Map(paths);
}

/** git resolves a relative address against that of the superproject, see git-submodule(1). */
export function resolveAddress(url: string, origin: string): string {
  if (!url.startsWith("./") && !url.startsWith("../")) return url;
  let base = origin.replace(/\/+$/, "");
  let rest = url;
  for (;;) {
    if (rest.startsWith("./")) rest = rest.slice(2);
    else if (rest.startsWith("../")) {
      rest = rest.slice(3);
      base = base.replace(/[/:][^/:]*$/, (end) => (end.startsWith(":") ? ":" : ""));
    } else return base.endsWith(":") ? `${base}${rest}` : `${base}/${rest}`;
  }
}

/** True for a folder of the attempt, which is gone when it ends. */
function isInAttempt(address: string, folder: string): boolean {
  const path = address.replace(/^file:\/\//, "");
  if (!isAbsolute(path)) return false;
  try {
    return `${realpathSync(path)}/`.startsWith(`${realpathSync(folder)}/`);
  } catch {
    return true;
  }
}

/** True when the remote sends the commit. */
export async function hasCommit(
  own: BoundedGit,
  { folder }: Pick<AttemptFolder, "folder">,
  address: string,
  { id }: Link,
): Promise<boolean> {
  if (isInAttempt(address, folder)) return false;
  if (address.startsWith("-") || (!isAbsolute(address) && !/^(?:file|git|https?):\/\//.test(address)))
    return false;
  // git keeps the address as the name of a remote, which may not begin with a slash.
  const url = isAbsolute(address) ? pathToFileURL(address).href : address;
  const probe = join(folder, "probe");
  rmSync(probe, { recursive: true, force: true });
  mkdirSync(probe);
  const git = own.with({ dir: probe, env: { GIT_ALLOW_PROTOCOL: "file:git:http:https", GIT_DIR: probe } });
  const call = { limitMs: GIT_LIMITS.remoteMs };
  try {
    await git.run([
      "init",
      "--quiet",
      "--bare",
      "--template=",
      ...(id.length === 64 ? ["--object-format=sha256"] : []),
      ".",
    ]);
    await git.run(["fetch", "--quiet", "--no-tags", "--depth=1", "--filter=tree:0", url, id], call);
    return true;
  } catch (error) {
    if (isGitProblem(error)) return false;
    throw error;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}
