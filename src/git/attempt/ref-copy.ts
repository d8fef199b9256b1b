/**
 * The refs that a script finds in its repository, as the text of a packed-refs file.
 *
 * Invariants:
 * - Branches, tags, remote branches and notes keep their names. A stash, replacements and leases stay outside.
 * - The refs are read once for each poll, however many attempts it starts.
 */
import { type Branch, HEADS } from "../../core/protocol/ids.ts";
import { SALVAGE, SHADOW } from "../../core/protocol/refs.ts";
import { forEachRef } from "../for-each-ref.ts";
import type { Git } from "../git.ts";

const COPIED = [HEADS, "refs/notes/", "refs/remotes/", "refs/tags/", SALVAGE, SHADOW];
const FIELDS = ["%(refname)", "%(objectname)", "%(*objectname)", "%(symref)"];
const TRACKING = "refs/remotes/origin/";
const HEADER = "# pack-refs with: peeled fully-peeled sorted\n";

interface CopiedRefs {
  /** The lines before, and after, the salvage refs, which each branch has its own of. */
  readonly text: string;
  readonly salvage: readonly (readonly [ref: string, line: string])[];
  readonly shadows: string;
  /** The ref that `origin/HEAD` names. */
  readonly originHead: string | undefined;
}

export class RefCopy {
  readonly #git: Git;
  readonly #isRemote: boolean;
  readonly #pollCount: () => number;
  #poll: number | undefined;
  #refs: Promise<CopiedRefs> | undefined;

  /** `isRemote`: branches are those of a remote, so they are remote branches too. */
  constructor(git: Git, isRemote: boolean, pollCount: () => number) {
    this.#git = git;
    this.#isRemote = isRemote;
    this.#pollCount = pollCount;
  }

  async textFor(branch: Branch): Promise<string> {
    const { text, salvage, shadows } = await this.#read();
    const own = salvage.filter(([ref]) => ref.startsWith(`${SALVAGE}${branch}/`)).map(([, line]) => line);
    return [HEADER, text, ...own, shadows].join("");
  }

  async originHead(): Promise<string | undefined> {
    return (await this.#read()).originHead;
  }

  #read(): Promise<CopiedRefs> {
    const poll = this.#pollCount();
    if (this.#poll !== poll || !this.#refs) {
      this.#poll = poll;
      this.#refs = this.#list();
      this.#refs.catch(() => (this.#refs = undefined));
    }
    return this.#refs;
  }

  async #list(): Promise<CopiedRefs> {
    const groups = new Map<string, string[]>(COPIED.map((prefix) => [prefix, []]));
    const salvage: [string, string][] = [];
    let originHead: string | undefined;
    const records = new Map<string, readonly string[]>();
    const take = (record: readonly string[]) => void records.set(record[0] ?? "", record);
    await forEachRef(this.#git, { fields: FIELDS, patterns: COPIED, take });
    for (const [ref = "", id = "", peeled = "", symref = ""] of records.values()) {
      if (ref === `${TRACKING}HEAD`) originHead = symref;
      if (symref !== "") continue;
      const line = `${id} ${ref}\n${peeled === "" ? "" : `^${peeled}\n`}`;
      if (ref.startsWith(SALVAGE)) salvage.push([ref, line]);
      else groups.get(COPIED.find((prefix) => ref.startsWith(prefix)) ?? "")?.push(line);
    }
    if (this.#isRemote) {
      const heads = groups.get(HEADS) ?? [];
      groups.set(
        "refs/remotes/",
        heads.map((line) => line.replace(HEADS, TRACKING)),
      );
    }
    const shadows = (groups.get(SHADOW) ?? []).join("");
    groups.delete(SHADOW);
    return { text: [...groups.values()].flat().join(""), salvage, shadows, originHead };
  }
}
