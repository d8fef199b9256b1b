/**
 * Reads the configuration of the trusted repository, again only when one of its files has changed.
 *
 * Invariants:
 * - A driver that a program adds while a runner works, such as `git lfs install`, is known to the next call.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Setting } from "../git.ts";
import type { Git } from "../git.ts";

export class SettingsReader {
  readonly #git: Git;
  readonly #candidates: readonly string[];
  #settings: Promise<readonly Setting[]> | undefined;
  #files: readonly string[] = [];
  #signature = "";

  constructor(git: Git, commonDir: string) {
    const { env } = git.target;
    // A linked worktree may have settings of its own, which do not apply to the shared directory.
    this.#git = git.with({ globalOptions: [`--git-dir=${commonDir}`] });
    const home = env["HOME"] ?? "/";
    // Files that may be created later. git lists those that exist by itself.
    this.#candidates = [
      join(commonDir, "config"),
      join(commonDir, "config.worktree"),
      join(home, ".gitconfig"),
      join(env["XDG_CONFIG_HOME"] ?? join(home, ".config"), "git/config"),
      env["GIT_CONFIG_GLOBAL"] ?? "",
      env["GIT_CONFIG_SYSTEM"] ?? "/etc/gitconfig",
    ];
  }

  /** All settings of configuration files, in order. */
  read(): Promise<readonly Setting[]> {
    if (!this.#settings || this.#stat() !== this.#signature) {
      this.#settings = this.#load();
      this.#settings.catch(() => (this.#settings = undefined));
    }
    return this.#settings;
  }

  async #load(): Promise<readonly Setting[]> {
    const output = await this.#git.text(["config", "--list", "-z", "--show-origin"], { allowedCodes: [1] });
    const fields = output.split("\0");
    const settings: Setting[] = [];
    const files = new Set(this.#candidates);
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const origin = fields[at] ?? "";
      const [key = "", ...value] = (fields[at + 1] ?? "").split("\n");
      if (!origin.startsWith("file:")) continue;
      files.add(origin.slice("file:".length));
      settings.push([key, value.length === 0 ? "true" : value.join("\n")]);
    }
    this.#files = [...files];
    this.#signature = this.#stat();
    return settings;
  }

  #stat(): string {
    return this.#files
      .map((file) => {
        const stats = statSync(file, { throwIfNoEntry: false });
        return stats ? `${stats.ino} ${stats.size} ${stats.mtimeMs}` : "-";
      })
      .join("\n");
  }
}
