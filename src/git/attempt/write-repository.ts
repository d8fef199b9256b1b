/**
 * Writes the repository of an attempt, without a git process.
 *
 * Invariants:
 * - It has the layout of an ordinary clone, and shares nothing with the trusted repository but objects.
 * - Its configuration holds no program, password or token of the person.
 */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Branch, HEADS, refOf, type RunId, type Sha } from "../../core/protocol/ids.ts";
import { RUN_SETTING } from "../../core/protocol/run-variable.ts";
import type { Setting } from "../git.ts";
import type { Person } from "../open-repository.ts";
import type { AttemptFolder } from "./attempt-folder.ts";
import { copyIndex } from "./tree-git.ts";

/** What every attempt repository of a runner has in common. */
export interface RepositoryTemplate {
  /** The git directory that `info/` and `shallow` are copied from. */
  readonly commonDir: string;
  readonly isSha256: boolean;
  /** Every object store, with those that the trusted one borrows from. */
  readonly objectStores: readonly string[];
  readonly committer: Person;
  /** The settings of the person that apply inside too, see `copiedSettings`. */
  readonly settings: readonly Setting[];
}

export interface RepositoryStart {
  readonly run: RunId;
  readonly branch: Branch;
  readonly commit: Sha;
  /** The text of the packed refs. */
  readonly refs: string;
  readonly originHead: string | undefined;
}

/** How text is stored and compared: without these, files would differ from those of the person. */
const COPIED =
  /^(?:core\.(?:autocrlf|eol|safecrlf|filemode|ignorecase|symlinks|precomposeunicode|quotepath|bigfilethreshold|longpaths)|merge\.conflictstyle|i18n\.(?:commitencoding|logoutputencoding)|trailhand\.target|remote\..+\.(?:url|pushurl|fetch))$/;
const ADDRESS = /^remote\..+\.(?:url|pushurl)$/;

export function copiedSettings(settings: readonly Setting[]): Setting[] {
  return settings.flatMap(([key, value]): Setting[] =>
    COPIED.test(key) ? [[key, ADDRESS.test(key) ? withoutSecrets(value) : value]] : [],
  );
}

/** An address without user, password and query, each of which may be a secret. */
export function withoutSecrets(address: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) return address;
  try {
    const url = new URL(address);
    // The user of an ssh address is a part of the address.
    if (!url.protocol.includes("ssh")) url.username = "";
    url.password = "";
    url.search = "";
    url.hash = "";
    return url.href;
  } catch {
    return address.replace(/\/\/[^/]*@/, "//").replace(/[?#].*$/, "");
  }
}

/** Writes the git directory of the tree. `folder.index` is the index of the commit, which is copied. */
export function writeRepository(
  folder: AttemptFolder,
  template: RepositoryTemplate,
  { run, branch, commit, refs, originHead }: RepositoryStart,
): void {
  const { gitDir } = folder;
  const write = (name: string, text: string) => {
    const file = join(gitDir, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  for (const name of ["objects/info", "objects/pack", HEADS, "refs/tags", "info"])
    mkdirSync(join(gitDir, name), { recursive: true });
  write("HEAD", `ref: ${refOf(branch)}\n`);
  write("config", configText(settingsOf(template, { branch, run })));
  write("packed-refs", refs);
  // The head may have moved since the refs were listed.
  write(refOf(branch), `${commit}\n`);
  if (originHead !== undefined) write("refs/remotes/origin/HEAD", `ref: ${originHead}\n`);
  write("objects/info/alternates", template.objectStores.map((store) => `${store}\n`).join(""));
  for (const name of ["shallow", "info/exclude", "info/attributes"]) {
    const file = join(template.commonDir, name);
    if (existsSync(file)) copyFileSync(file, join(gitDir, name));
  }
  copyIndex(folder.index, join(gitDir, "index"));
  writeFileSync(folder.refs, refs);
}

function settingsOf(
  { committer, isSha256, settings }: RepositoryTemplate,
  { branch, run }: Pick<RepositoryStart, "branch" | "run">,
): Setting[] {
  const hasOrigin = settings.some(([key]) => key === "remote.origin.url");
  return [
    ["core.repositoryformatversion", isSha256 ? "1" : "0"],
    ...(isSha256 ? [["extensions.objectformat", "sha256"] as const] : []),
    ["core.bare", "false"],
    ["core.logallrefupdates", "true"],
    ["gc.auto", "0"],
    ["maintenance.auto", "false"],
    [RUN_SETTING, run],
    ["user.name", committer.name],
    ["user.email", committer.email],
    ...settings,
    ...(hasOrigin
      ? ([
          [`branch.${branch}.remote`, "origin"],
          [`branch.${branch}.merge`, refOf(branch)],
        ] as const)
      : []),
  ];
}

/** A configuration file, see git-config(1), "Syntax". */
export function configText(settings: readonly Setting[]): string {
  return settings
    .map(([key, value]) => {
      const first = key.indexOf(".");
      const last = key.lastIndexOf(".");
      const section = key.slice(0, first);
      const subsection = first === last ? "" : ` "${key.slice(first + 1, last).replace(/["\\]/g, "\\$&")}"`;
      return `[${section}${subsection}]\n\t${key.slice(last + 1)} = ${quoted(value)}\n`;
    })
    .join("");
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t" };

const quoted = (value: string): string =>
  `"${value.replace(/[\n\t"\\]/g, (letter) => ESCAPES[letter] ?? `\\${letter}`)}"`;
