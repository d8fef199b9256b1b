/**
 * The refs that a script finds in its repository, as the text of a packed-refs file.
 *
 * Invariants:
 * - Branches, tags, remote branches and notes keep their names. A stash, replacements and leases stay outside.
 * - The refs are read once for each poll, however many attempts it starts.
 */
import { type Branch, HEADS, parseSha, type Sha } from "../../core/protocol/ids.ts";
import { SALVAGE, SHADOW } from "../../core/protocol/refs.ts";
import { forEachRef } from "../for-each-ref.ts";
import type { GitLocation } from "../open-repository.ts";
import { requireSha } from "../parse-output.ts";
import { listRefFiles, type RefFile } from "../ref-files.ts";
import { sessionsOf } from "../sessions.ts";

const COPIED = [HEADS, "refs/notes/", "refs/remotes/", "refs/tags/", SALVAGE, SHADOW];
const FIELDS = ["%(refname)", "%(objectname)", "%(*objectname)", "%(symref)"];
const TRACKING = "refs/remotes/origin/";
const HEADER = "# pack-refs with: peeled fully-peeled sorted\n";

type Location = Pick<GitLocation, "commonDir" | "git">;

interface CopiedRefs {
  /** The lines before, and after, the salvage refs, which each branch has its own of. */
  readonly text: string;
  readonly salvage: readonly (readonly [ref: string, line: string])[];
  readonly shadows: string;
  /** The ref that `origin/HEAD` names. */
  readonly originHead: string | undefined;
}

export class RefCopy {
  readonly #location: Location;
  /** What tags point to, by id; null: the object is not a tag. */
  #peeled = new Map<Sha, Sha | null>();
  readonly #isRemote: boolean;
  readonly #pollCount: () => number;
  #poll: number | undefined;
  #refs: Promise<CopiedRefs> | undefined;

  /** `isRemote`: branches are those of a remote, so they are remote branches too. */
  constructor(location: Location, isRemote: boolean, pollCount: () => number) {
    this.#location = location;
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
    for (const { ref, id, peeled, symref } of await this.#listPeeled()) {
      if (ref === `${TRACKING}HEAD`) originHead = symref;
      if (id === undefined) continue;
      const line = `${id} ${ref}\n${peeled ? `^${peeled}\n` : ""}`;
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

  async #listPeeled(): Promise<readonly RefFile[]> {
    const { commonDir, git } = this.#location;
    const files = listRefFiles(commonDir, COPIED);
    if (files) return this.#peel(files);
    const records = new Map<string, readonly string[]>();
    const take = (record: readonly string[]) => void records.set(record[0] ?? "", record);
    await forEachRef(git, { fields: FIELDS, patterns: COPIED, take });
    return [...records.values()].map(([ref = "", id = "", peeled = "", symref = ""]) =>
      symref === ""
        ? { ref, id: requireSha(id), peeled: peeled === "" ? null : requireSha(peeled) }
        : { ref, id: undefined, symref },
    );
  }

  /** Only objects that were never seen are read. A branch is never a tag. */
  async #peel(files: readonly RefFile[]): Promise<readonly RefFile[]> {
    const before = this.#peeled;
    const peeled = new Map<Sha, Sha | null>();
    const unread = new Set<Sha>();
    for (const { ref, id, peeled: packed } of files) {
      if (id === undefined || ref.startsWith(HEADS)) continue;
      const known = packed ?? before.get(id);
      if (known !== undefined) peeled.set(id, known);
      else if (packed === undefined) unread.add(id);
    }
    const ids = [...unread];
    const { session } = sessionsOf(this.#location.git).objects;
    const types = await session.info(ids);
    const tags = ids.filter((_, at) => types[at]?.type === "tag");
    const targets = await session.info(tags.map((id) => `${id}^{}`));
    for (const id of ids) peeled.set(id, null);
    for (const [at, id] of tags.entries()) peeled.set(id, parseSha(targets[at]?.id ?? "") ?? null);
    this.#peeled = peeled;
    return files.map((file) => ({ ...file, peeled: (file.id && peeled.get(file.id)) ?? null }));
  }
}
