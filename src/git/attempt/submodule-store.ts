/**
 * The repositories of submodules on this machine, one for each address, from which attempts borrow objects.
 *
 * Invariants:
 * - Addresses come from the trusted branch, so the person's credentials may be used. Programs named in an
 *   address never run.
 * - Its refs are a copy of the remote's. Losing the folder costs only time.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import { HEADS, type Sha } from "../../core/protocol/ids.ts";
import { BoundedGit, isGitProblem } from "../bounded-git.ts";
import { GitExit, SETTINGS, splitSetting } from "../git.ts";
import { serverMessage, withoutPassword } from "../server-message.ts";
import { GIT_LIMITS } from "../timing.ts";

const PROTOCOLS = "file:git:http:https:ssh";
/** The branches of the remote, as in any clone. */
export const BRANCHES_REFSPEC = `+${HEADS}*:refs/remotes/origin/*`;
const REFSPECS = [BRANCHES_REFSPEC, "+refs/tags/*:refs/tags/*"];

export interface SubmoduleStoreOptions {
  /** The folder of all submodules' repositories. */
  readonly submodules: string;
  /** The environment of a git that connects to another remote than that of the repository. */
  readonly foreignEnv: () => Readonly<Record<string, string>>;
}

export class SubmoduleStore {
  readonly #options: SubmoduleStoreOptions;
  /** The last fetch from each address: two at once would lock each other's refs. */
  readonly #fetches = new Map<string, Promise<unknown>>();

  constructor(options: SubmoduleStoreOptions) {
    this.#options = options;
  }

  /** The bare repository of an address, which may not exist yet. */
  folderOf(address: string): string {
    const name = createHash("sha256").update(address).digest("hex").slice(0, 40);
    return join(this.#options.submodules, `${name}.git`);
  }

  /** Makes sure that a commit is there. Returns what is wrong, with git's words. */
  async fetch(address: string, commit: Sha): Promise<string | undefined> {
    const previous = this.#fetches.get(address);
    const fetching = Promise.resolve(previous)
      .catch(() => undefined)
      .then(() => this.#fetch(address, commit));
    this.#fetches.set(address, fetching);
    return fetching;
  }

  async #fetch(address: string, commit: Sha): Promise<string | undefined> {
    const shown = withoutPassword(address);
    if (address.startsWith("-") || /^[^/:]+::/.test(address))
      return `${shown} is not an address of a repository`;
    const dir = this.folderOf(address);
    const env = this.#options.foreignEnv();
    const settings = SETTINGS.map(splitSetting);
    const first = Number(env["GIT_CONFIG_COUNT"] ?? 0);
    const given = Array.from({ length: first }, (_, at): readonly [string, string] => [
      env[`GIT_CONFIG_KEY_${at}`] ?? "",
      env[`GIT_CONFIG_VALUE_${at}`] ?? "",
    ]);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const git = new BoundedGit({
      dir,
      env: { GIT_ALLOW_PROTOCOL: PROTOCOLS, ...env, GIT_DIR: dir, GIT_TERMINAL_PROMPT: "0" },
      settings: [...given, ...settings],
    });
    if (!existsSync(join(dir, "HEAD"))) {
      const format = commit.length === 64 ? ["--object-format=sha256"] : [];
      await git.run(["init", "--quiet", "--bare", "--template=", ...format, dir]);
    }
    if (await hasObject(git, commit)) return undefined;
    // git keeps the address as the name of a remote, which may not begin with a slash.
    const url = isAbsolute(address) ? pathToFileURL(address).href : address;
    const fetch = [
      "fetch",
      "--quiet",
      "--no-tags",
      "--no-write-fetch-head",
      "--no-recurse-submodules",
      "--end-of-options",
      url,
    ];
    const limit = { limitMs: GIT_LIMITS.checkoutMs };
    let words = await wordsOf(git.run([...fetch, ...REFSPECS], limit));
    if (await hasObject(git, commit)) return undefined;
    // A commit that no branch has any more. Many servers send it by its id.
    words ??= await wordsOf(git.run([...fetch, commit], limit));
    if (await hasObject(git, commit)) return undefined;
    return `${shown} does not send the commit ${commit}${words === undefined ? "" : ` (${words})`}; try git ls-remote ${shown}`;
  }
}

async function hasObject(git: BoundedGit, commit: Sha): Promise<boolean> {
  const { code } = await git.run(["cat-file", "-e", `${commit}^{commit}`], { allowedCodes: [1, 128] });
  return code === 0;
}

/** What git says about a failure; undefined when there is none. */
async function wordsOf(run: Promise<unknown>): Promise<string | undefined> {
  try {
    await run;
    return undefined;
  } catch (error) {
    if (!isGitProblem(error)) throw error;
    return error instanceof GitExit ? serverMessage(error.stderr) || error.message : error.message;
  }
}
