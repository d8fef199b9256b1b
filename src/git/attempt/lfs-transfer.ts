/**
 * Fetches content of git-lfs before a checkout, and sends that of a response.
 *
 * Invariants:
 * - The server comes from the trusted commit's `.lfsconfig`, the person's configuration and the remote.
 *   git-lfs works in a folder of the runner, because it would obey the `.lfsconfig` of the tree.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sha } from "../../core/protocol/ids.ts";
import { BoundedGit, isGitProblem } from "../bounded-git.ts";
import { GitExit, settingVariables, type Setting } from "../git.ts";
import type { GitLocation } from "../open-repository.ts";
import { serverMessage } from "../server-message.ts";
import { GIT_LIMITS } from "../timing.ts";

/** How many ids an argument list takes. */
const MOST_IDS = 500;

/** A server that never answers: git-lfs asks none while it works on files of a script. */
export const LFS_OFFLINE: readonly Setting[] = ["url", "pushurl"].map((key) => [
  `lfs.${key}`,
  "file:///fetched/before",
]);

export interface LfsTransferOptions {
  readonly location: Pick<GitLocation, "commonDir" | "git">;
  /** The environment of a git that connects to the remote. */
  readonly connectionEnv: () => Readonly<Record<string, string>>;
  /** The settings of the remote that the runner works at; undefined: those of the repository. */
  readonly remote: readonly Setting[] | undefined;
}

export class LfsTransfer {
  readonly #options: LfsTransferOptions;

  constructor(options: LfsTransferOptions) {
    this.#options = options;
  }

  /** Fetches what the files of a commit need; returns what is wrong. */
  async fetch(
    folder: string,
    commit: Sha,
    trusted: Sha,
    settings: readonly Setting[],
  ): Promise<string | undefined> {
    const remote = this.#remoteName(settings);
    if (remote === undefined) return undefined;
    return this.#run(folder, trusted, ["fetch", remote, commit], "could not be fetched");
  }

  /** Sends content from the trusted store to the remote; returns what is wrong. */
  async send(folder: string, trusted: Sha, oids: readonly string[]): Promise<string | undefined> {
    for (let at = 0; at < oids.length; at += MOST_IDS) {
      const args = ["push", "--object-id", "origin", ...oids.slice(at, at + MOST_IDS)];
      const problem = await this.#run(folder, trusted, args, "could not be sent to the remote");
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #remoteName(settings: readonly Setting[]): string | undefined {
    const names = (this.#options.remote ?? settings).flatMap(
      ([key]) => /^remote\.(.+)\.url$/s.exec(key)?.[1] ?? [],
    );
    return names.includes("origin") ? "origin" : names[0];
  }

  async #run(
    folder: string,
    trusted: Sha,
    args: readonly string[],
    what: string,
  ): Promise<string | undefined> {
    const { location, connectionEnv, remote = [] } = this.#options;
    const { commonDir } = location;
    const dir = join(folder, "lfs");
    mkdirSync(dir, { recursive: true });
    const connection = connectionEnv();
    const env = {
      ...connection,
      ...settingVariables(remote, Number(connection["GIT_CONFIG_COUNT"] ?? 0)),
      GIT_DIR: commonDir,
      GIT_WORK_TREE: dir,
      GIT_INDEX_FILE: join(folder, "no-index"),
      GIT_TERMINAL_PROMPT: "0",
      GIT_NO_REPLACE_OBJECTS: "1",
    };
    const git = new BoundedGit({ dir, env, settings: [] });
    const config = await git.run(["cat-file", "blob", `${trusted}:.lfsconfig`], { allowedCodes: [128] });
    // Without the file, git-lfs would look for one in HEAD.
    writeFileSync(join(dir, ".lfsconfig"), config.code === 0 ? config.stdout : "");
    try {
      await git.run(["lfs", ...args], { limitMs: GIT_LIMITS.checkoutMs });
      return undefined;
    } catch (error) {
      if (!isGitProblem(error)) throw error;
      const said = error instanceof GitExit ? serverMessage(error.stderr) || error.message : error.message;
      return `the content of git-lfs ${what}: ${said}`;
    }
  }
}
