/** Reads what all attempt repositories of a runner have in common. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Setting } from "../git.ts";
import type { GitLocation, Person } from "../open-repository.ts";
import type { SettingsReader } from "./read-settings.ts";
import { copiedSettings, type RepositoryTemplate } from "./write-repository.ts";

type Location = Pick<GitLocation, "commonDir" | "emptyTree" | "git">;

export interface TemplateOptions {
  readonly location: Location;
  readonly committer: Person;
  /** The settings of the remote that the runner works at; undefined: the repository itself. */
  readonly remote: readonly Setting[] | undefined;
}

export class TemplateReader {
  readonly #options: TemplateOptions;
  readonly #settings: SettingsReader;
  #objectStores: Promise<string[]> | undefined;

  constructor(options: TemplateOptions, settings: SettingsReader) {
    this.#options = options;
    this.#settings = settings;
  }

  async read(): Promise<RepositoryTemplate> {
    const { location, committer, remote } = this.#options;
    this.#objectStores ??= readObjectStores(location);
    this.#objectStores.catch(() => (this.#objectStores = undefined));
    const settings = await this.#settings.read();
    const own = remote ? settings.filter(([key]) => !key.startsWith("remote.")) : settings;
    return {
      commonDir: location.commonDir,
      isSha256: location.emptyTree.length === 64,
      objectStores: await this.#objectStores,
      committer,
      settings: copiedSettings([...own, ...(remote ?? [])]),
    };
  }
}

/** The object store of the repository, and every one that it borrows from, as git names them. */
async function readObjectStores({ git, commonDir }: Location): Promise<string[]> {
  if (!existsSync(join(commonDir, "objects/info/alternates"))) return [join(commonDir, "objects")];
  const lines = (await git.text(["count-objects", "-v"])).split("\n");
  const borrowed = lines.flatMap((line) =>
    line.startsWith("alternate: ") ? [line.slice("alternate: ".length)] : [],
  );
  return [join(commonDir, "objects"), ...borrowed];
}
