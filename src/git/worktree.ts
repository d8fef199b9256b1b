/**
 * The pool of worktrees of one runner, and the work that is saved from them.
 *
 * What must hold: worktrees are detached, outside the repository, added and removed one at a time
 * and only through git; nothing is reset or removed before what it holds is on a ref; git is told
 * where the git directory is, so that a `.git` that a script wrote is never believed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Ref, RunId, Sha } from "../core/ids.ts";
import type { Holder } from "../core/lease.ts";
import type { Request } from "../core/request.ts";
import { Fault, words } from "../core/words.ts";
import type { Sealed, Tree, Trees } from "../runner/ports.ts";
import { GitExit, type Git } from "./exec.ts";
import { type Place, withoutFilters } from "./open.ts";
import { parseConfig, requireSha } from "./parse.ts";
import { BOT, identity } from "./repository.ts";

/** What a slot's `run.json` says, for whoever finds it after a crash. */
export interface RunRecord {
  readonly run: RunId;
  readonly branch: string;
  readonly request: Sha;
  readonly state: string;
}

interface Slot {
  readonly side: string;
  readonly path: string;
  readonly gitDir: string;
}

export interface PoolOptions {
  readonly place: Place;
  /** The directory of this repository's pools. */
  readonly root: string;
  /** The directory of this runner, below `root`. */
  readonly own: string;
  readonly holder: Holder | undefined;
  readonly isDead: (holder: Holder) => boolean;
  /** Ends every process that a dead run left; `side` holds what it recorded. */
  readonly endProcesses: (side: string, run: RunId | undefined) => Promise<void>;
  /** Puts a saved tree on its ref, if that does not exist yet. */
  readonly keep: (record: RunRecord, value: Sha) => Promise<Ref>;
  readonly salvageMessage: (record: RunRecord) => string;
}

const OWNER = "owner.json";
const RUN = "run.json";
/** What git keeps in a worktree's git directory when nothing is half done there. */
const AT_REST = new Set([
  ...["HEAD", "ORIG_HEAD", "commondir", "gitdir", "index", "logs", "refs", "COMMIT_EDITMSG", "FETCH_HEAD"],
]);

export class WorktreePool implements Trees {
  readonly #options: PoolOptions;
  readonly #idle: Slot[] = [];
  readonly #busy = new Map<string, Slot>();
  #count = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async open(run: RunId, request: Request): Promise<Tree> {
    this.#register();
    const slot = this.#idle.pop() ?? this.#newSlot();
    const record: RunRecord = { run, branch: request.branch, request: request.commit, state: request.state };
    writeFileSync(join(slot.side, RUN), JSON.stringify(record));
    const fresh = !existsSync(slot.path);
    const opened = fresh ? await this.#serial(() => this.#add(slot.side, request.commit)) : slot;
    if (!fresh) await this.#reset(slot, request.commit);
    this.#busy.set(opened.side, opened);
    return { path: opened.path, side: opened.side, base: request.commit };
  }

  async seal(tree: Tree): Promise<Sealed | string> {
    const slot = this.#busy.get(tree.side);
    if (!slot || !isWhole(slot)) return "its worktree was deleted";
    const git = await this.#gitIn(slot);
    const { head, dirty } = await readStatus(git);
    if (head !== tree.base && !(await isOnTop(git, tree.base, head))) {
      return "its commits do not descend from the request; history may be added to, never rewritten";
    }
    const changed = dirty || head !== tree.base;
    return { head, tree: dirty ? await writeTree(git) : head, changed };
  }

  async save(tree: Tree, message: string): Promise<Sha | undefined> {
    const slot = this.#busy.get(tree.side);
    return slot && this.#saveSlot(slot, tree.base, message);
  }

  async close(tree: Tree): Promise<void> {
    const slot = this.#busy.get(tree.side);
    if (!slot) return;
    this.#busy.delete(tree.side);
    rmSync(join(slot.side, RUN), { force: true });
    if (isWhole(slot) && isAtRest(slot)) this.#idle.push(slot);
    else await this.#serial(() => this.#remove(slot));
  }

  /** Removes the idle worktrees; call it when the runner ends. */
  async dispose(): Promise<void> {
    for (const slot of this.#idle.splice(0)) await this.#serial(() => this.#remove(slot));
    const { own } = this.#options;
    if (this.#busy.size === 0) rmSync(own, { recursive: true, force: true });
  }

  async sweep(): Promise<void> {
    const { root, own, isDead } = this.#options;
    if (!existsSync(root)) return;
    for (const name of readdirSync(root)) {
      const folder = join(root, name);
      const owner = folder === own ? undefined : readJson<Holder>(join(folder, OWNER));
      if (owner && isDead(owner)) await this.#serial(() => this.#sweepRunner(folder));
    }
  }

  /** A runner that died: end its processes, save its trees, then remove them. */
  async #sweepRunner(folder: string): Promise<void> {
    const { endProcesses, keep, salvageMessage, place } = this.#options;
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      const side = join(folder, name);
      if (name === OWNER) continue;
      const record = readJson<RunRecord>(join(side, RUN));
      await endProcesses(side, record?.run);
      const slot = slotAt(side, place.commonDir);
      if (slot && record && isWhole(slot)) {
        const value = await this.#saveSlot(slot, record.request, salvageMessage(record));
        if (value) await keep(record, value);
      }
      if (slot) await this.#remove(slot);
    }
    rmSync(folder, { recursive: true, force: true });
  }

  /** The owner's name stands before the first worktree does, so that no worktree is without one. */
  #register(): void {
    const { own, holder } = this.#options;
    if (existsSync(own)) return;
    const temporary = join(own, "..", `.${basename(own)}`);
    mkdirSync(temporary, { recursive: true, mode: 0o700 });
    writeFileSync(join(temporary, OWNER), JSON.stringify(holder ?? {}));
    renameSync(temporary, own);
  }

  #newSlot(): Slot {
    const side = join(this.#options.own, `w${++this.#count}`);
    mkdirSync(side, { recursive: true });
    return { side, path: treePath(side), gitDir: "" };
  }

  async #add(side: string, commit: Sha): Promise<Slot> {
    const { place } = this.#options;
    const git = place.git.with({ settings: withoutFilters(place.config) });
    await git.run(["worktree", "add", "--quiet", "--detach", treePath(side), commit]);
    const slot = slotAt(side, place.commonDir);
    if (!slot) throw new Fault(words.noWorktree(treePath(side)));
    return slot;
  }

  async #reset(slot: Slot, commit: Sha): Promise<void> {
    const git = await this.#gitIn(slot);
    await git.run(["checkout", "--quiet", "--force", "--detach", commit]);
    await git.run(["clean", "--quiet", "-ffdx"]);
  }

  async #remove(slot: Slot): Promise<void> {
    const { git } = this.#options.place;
    // git refuses a worktree whose files or link are gone; then only its record is left to prune.
    const removed = await git.run(["worktree", "remove", "--force", "--force", slot.path], { codes: [128] });
    rmSync(slot.side, { recursive: true, force: true });
    if (removed.code !== 0) await git.run(["worktree", "prune"]);
  }

  /** The configuration is read again: a script may have written a filter into it. */
  async #gitIn(slot: Slot): Promise<Git> {
    const git = this.#options.place.git.with({
      dir: slot.path,
      before: [`--git-dir=${slot.gitDir}`, `--work-tree=${slot.path}`],
    });
    const config = parseConfig(await git.text(["config", "--list", "-z"]));
    return git.with({ settings: withoutFilters(config) });
  }

  async #saveSlot(slot: Slot, base: Sha, message: string): Promise<Sha | undefined> {
    if (!existsSync(slot.gitDir)) return undefined;
    // The process that held this lock is gone: its group was ended before.
    rmSync(join(slot.gitDir, "index.lock"), { force: true });
    mkdirSync(slot.path, { recursive: true });
    const git = await this.#gitIn(slot);
    if (!existsSync(join(slot.path, ".git"))) return this.#saveHead(git, base, message);
    const { head, dirty } = await readStatus(git);
    if (head === base && !dirty) return undefined;
    return commitTree(git, dirty ? await writeTree(git) : `${head}^{tree}`, head, message);
  }

  /** The files are gone; what the script committed is not. */
  async #saveHead(git: Git, base: Sha, message: string): Promise<Sha | undefined> {
    const head = requireSha(await git.text(["rev-parse", "--verify", "HEAD"]));
    return head === base ? undefined : commitTree(git, `${head}^{tree}`, head, message);
  }

  #serial<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(step);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/** The folder's own name is unique, because git names a worktree's record after it. */
function treePath(side: string): string {
  return join(side, `tree-${basename(join(side, ".."))}-${basename(side)}`);
}

/** git's record of the worktree in a slot, found by the record's own link, not by the worktree's. */
function slotAt(side: string, commonDir: string): Slot | undefined {
  const path = treePath(side);
  const records = join(commonDir, "worktrees");
  for (const id of existsSync(records) ? readdirSync(records) : []) {
    const link = join(records, id, "gitdir");
    if (existsSync(link) && readFileSync(link, "utf8").trim() === join(path, ".git")) {
      return { side, path, gitDir: join(records, id) };
    }
  }
  return undefined;
}

const isWhole = (slot: Slot): boolean =>
  existsSync(join(slot.gitDir, "HEAD")) && existsSync(join(slot.path, ".git"));

/** True when the next run may have it: detached, nothing half done, its link as git wrote it. */
function isAtRest(slot: Slot): boolean {
  const link = readFileSync(join(slot.path, ".git"), "utf8").trim();
  const head = readFileSync(join(slot.gitDir, "HEAD"), "utf8").trim();
  return (
    link === `gitdir: ${slot.gitDir}` &&
    !head.startsWith("ref:") &&
    readdirSync(slot.gitDir).every((name) => AT_REST.has(name))
  );
}

async function readStatus(git: Git): Promise<{ head: Sha; dirty: boolean }> {
  const args = ["status", "--porcelain=v2", "--branch", "--untracked-files=all", "--no-renames", "-z"];
  const entries = (await git.text(args)).split("\0").filter((entry) => entry !== "");
  const oid = entries.find((entry) => entry.startsWith("# branch.oid "))?.slice("# branch.oid ".length);
  return { head: requireSha(oid ?? ""), dirty: entries.some((entry) => !entry.startsWith("# ")) };
}

/** True when the first-parent line from `head` leads to `base`: a response adds, it rewrites nothing. */
async function isOnTop(git: Git, base: Sha, head: Sha): Promise<boolean> {
  const args = ["rev-list", "--first-parent", "--boundary", "--end-of-options", `${base}..${head}`];
  try {
    return (await git.text(args)).split("\n").includes(`-${base}`);
  } catch (error) {
    if (error instanceof GitExit) return false;
    throw error;
  }
}

async function writeTree(git: Git): Promise<Sha> {
  await git.run(["add", "--all"]);
  return requireSha(await git.text(["write-tree"]));
}

async function commitTree(git: Git, tree: string, parent: Sha, message: string): Promise<Sha> {
  const args = ["commit-tree", "-p", parent, "-F", "-", tree];
  return requireSha(await git.text(args, { stdin: message, env: identity(BOT, BOT) }));
}

function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch {
    return undefined;
  }
}
