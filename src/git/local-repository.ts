/**
 * The repository port of a runner on a local git repository.
 *
 * Invariants:
 * - Files and long-lived sessions are asked first, and a git process only where they cannot tell.
 * - No hook, template, editor or signature applies to the commits that are written.
 */
import { type Branch, parseSha, type Ref, refOf, type RunId, type Sha } from "../core/protocol/ids.ts";
import { parseLease } from "../core/protocol/lease.ts";
import { ARCHIVE, refsOf, SALVAGE } from "../core/protocol/refs.ts";
import { parseMessage, valueOf } from "../core/protocol/message.ts";
import type { Push } from "../core/policy/push-identity.ts";
import type { Commit, Request } from "../core/protocol/request.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import type { LeaseRef, RefListing, Repository, Swap, Update } from "../engine/ports.ts";
import { forEachRef, type UnreadableRef } from "./for-each-ref.ts";
import { readRefs } from "./ref-transaction.ts";
import { branchBlocker, branchKey, resumeFollow, swapLocal, transact } from "./swap-refs.ts";
import { RefReader } from "./read-refs.ts";
import { requireReadable } from "./require-target.ts";
import { recoverLocks } from "./recover-locks.ts";
import { identityVariables, type Person, type GitLocation } from "./open-repository.ts";
import { setAsideRefs } from "./set-aside-refs.ts";
import { LOG_FORMAT, parseLog, requireSha } from "./parse-output.ts";
import { answeredElsewhere, HumanTakeovers } from "./human-takeovers.ts";
import { readSigner } from "./verify-signature.ts";
import { signAsPerson, unsignedAmong, type CommitSigning } from "./commit-signing.ts";
import type { Setting } from "./git.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import { writeCommit } from "./write-commit.ts";
import { listRefFiles } from "./ref-files.ts";
import { sessionsOf } from "./sessions.ts";

/** The committer when git has no identity configured. */
export const BOT: Person = { name: "Trailhand", email: "trailhand@users.noreply.invalid" };

export class LocalRepository implements Repository {
  readonly location: GitLocation;
  readonly #refReader: RefReader;
  readonly #humanTakeovers: HumanTakeovers;
  readonly #signing: CommitSigning;
  #pollCount = 0;
  #quarantine: string | undefined;

  constructor(location: GitLocation, signing: CommitSigning) {
    this.location = location;
    this.#signing = signing;
    this.#refReader = new RefReader(location);
    this.#humanTakeovers = new HumanTakeovers(location.git);
  }

  /** From now on, listings move side refs aside that cannot be read. */
  setAsideInto(quarantine: string): void {
    this.#quarantine = quarantine;
  }

  /** The refs that the last listing left out. */
  get unreadableRefs(): readonly UnreadableRef[] {
    return this.#refReader.unreadable;
  }

  /** How many times the refs were listed. */
  get pollCount(): number {
    return this.#pollCount;
  }

  protected notePoll(): void {
    this.#pollCount++;
  }

  async listRefs(): Promise<RefListing> {
    this.notePoll();
    let listing = await this.#refReader.read();
    if (this.#quarantine !== undefined && this.unreadableRefs.length > 0) {
      const isAside = await setAsideRefs(this.location, this.unreadableRefs, this.#quarantine);
      if (isAside) listing = await this.#refReader.read();
    }
    // A git that was killed while it moved files left them half moved.
    if (listing.pendingFollows.length > 0) await recoverLocks(this.location);
    for (const { head, ref, from } of listing.pendingFollows) {
      await resumeFollow(this.location, head.branch, ref, from, head.commit);
    }
    return { ...listing, target: requireReadable(this.location, listing, this.unreadableRefs) };
  }

  async takenOver(target: Branch, heads: readonly Head[]): Promise<ReadonlyMap<string, Request>> {
    return this.#humanTakeovers.find(target, heads);
  }

  read(refs: readonly Ref[]): Promise<ReadonlyMap<Ref, Sha | null>> {
    return readRefs(this.location, refs);
  }

  async readLease(ref: Ref): Promise<LeaseRef | undefined> {
    const value = (await this.read([ref])).get(ref);
    if (!value) return undefined;
    const [commit] = await readTrail(this.location, value, 1);
    return { ref, value, lease: parseLease(commit?.message ?? ""), committed: commit?.committed ?? 0 };
  }

  swap(updates: readonly Update[], why: string): Promise<Swap> {
    return swapLocal(this.location, updates, why);
  }

  answeredElsewhere(request: Request, target: Branch): Promise<Branch | undefined> {
    return answeredElsewhere(this.location.git, request, target);
  }

  async keepLocally(ref: Ref, value: Sha): Promise<void> {
    await this.location.git.run(["update-ref", "-m", "trailhand: kept here", ref, value]);
  }

  /** Moves branches to commits with an identical tree, so that no checkout has to follow. */
  moveWithoutCheckouts(updates: readonly Update[], why: string): Promise<Swap> {
    return transact(this.location, updates, why);
  }

  /**
   * Writes a person's commit with the tree of its parent. `signing` holds the settings of the key that has
   * to sign it. Throws CannotSign.
   */
  async requestCommit(
    parent: Sha,
    message: string,
    person: Person,
    signing?: readonly Setting[],
  ): Promise<Sha> {
    const { location } = this;
    const { writtenBy } = person;
    const tree = `${parent}^{tree}`;
    if (!writtenBy && (signing || this.#signing.isRequired)) {
      const env = identityVariables(person, person);
      return signAsPerson(location, ["-p", parent, "-F", "-", tree], { stdin: message, env }, signing);
    }
    const commit = await this.#write(tree, [parent], message, writtenBy ?? person, person);
    this.#signing.recordWritten(commit);
    return writtenBy ? this.sign(commit) : commit;
  }

  /** Writes a person's commit with the empty tree, for a side ref. */
  personNote(message: string, committer: Person): Promise<Sha> {
    return this.#write(this.location.emptyTree, [], message, committer.writtenBy ?? committer, committer);
  }

  blocker(branch: Branch): Promise<string | undefined> {
    return branchBlocker(this.location, branch);
  }

  note(message: string, parent?: Sha): Promise<Sha> {
    return this.#write(this.location.emptyTree, parent ? [parent] : [], message, BOT);
  }

  async commit(tree: Sha, parent: Sha, message: string): Promise<Sha> {
    const commit = await this.#write(`${tree}^{tree}`, [parent], message, this.location.person ?? BOT);
    this.#signing.recordWritten(commit);
    return commit;
  }

  /** Set by the trusted workflow that was read last. */
  requireSignatures(isRequired: boolean): void {
    this.#signing.isRequired = isRequired;
  }

  async sign(commit: Sha): Promise<Sha> {
    return this.#signing.isRequired ? this.#signing.sign(commit) : commit;
  }

  async signLater(commit: Sha): Promise<void> {
    this.#signing.signLater(commit);
    await Promise.resolve();
  }

  /** Why responses cannot be signed now; undefined: they can. */
  signingProblem(): Promise<string | undefined> {
    return this.#signing.problem(identityVariables(BOT, this.location.person ?? BOT));
  }

  async #write(
    tree: string,
    parents: readonly Sha[],
    message: string,
    committer: Person,
    author = BOT,
  ): Promise<Sha> {
    const written = await writeCommit(this.location, { tree, parents, message, author, committer });
    if (written) return written;
    const env = identityVariables(author, committer);
    const args = ["commit-tree", ...parents.flatMap((parent) => ["-p", parent]), "-F", "-", tree];
    return requireSha(await this.location.git.text(args, { stdin: message, env }));
  }

  /** True when the response of a run is on the branch or parked. */
  async isAnswered(branch: Branch, run: RunId, request: Sha): Promise<boolean> {
    const values = await this.read([refOf(branch), refsOf(branchKey(branch)).parked]);
    const present = [...values.values()].filter((value) => value !== null);
    if (present.length === 0) return false;
    const search = [
      "--ignore-missing",
      "--fixed-strings",
      `--grep=${KEY.run}: ${run}`,
      "-n",
      "1",
      "--format=%H",
    ];
    return (await this.location.git.text(["log", ...search, ...present, `^${request}`, "--"])) !== "";
  }

  async isAncestor(older: Sha, newer: Sha): Promise<boolean> {
    const { commonDir, git } = this.location;
    if (await sessionsOf(git).objects.isNear(commonDir, older, newer)) return true;
    const { code } = await git.run(["merge-base", "--is-ancestor", older, newer], {
      allowedCodes: [1],
    });
    return code === 0;
  }

  async contains(commit: Sha, name: string): Promise<boolean> {
    // 128: the name is not a commit of this repository.
    const args = ["merge-base", "--is-ancestor", "--end-of-options", name, commit];
    return (await this.location.git.run(args, { allowedCodes: [1, 128] })).code === 0;
  }

  async landedBranches(branches: readonly Branch[]): Promise<ReadonlySet<Branch>> {
    const prefixes = branches.map((branch) => `${ARCHIVE}${branch}/`);
    const files = listRefFiles(this.location.commonDir, prefixes);
    if (files)
      return branchesIn(
        files.map(({ ref }) => ref),
        branches,
      );
    const output = await this.location.git.text(["for-each-ref", "--format=%(refname)", ...prefixes]);
    return branchesIn(output.split("\n"), branches);
  }

  async changedPaths(from: Sha, to: Sha): Promise<readonly string[]> {
    const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--end-of-options", from, to];
    return (await this.location.git.text(args)).split("\0").filter((path) => path !== "");
  }

  async unsignedCommits(from: Sha, head: Sha): Promise<readonly Sha[]> {
    const args = ["rev-list", "--header", head, `^${from}`];
    const ofOthers = ["--not", "--branches", "--tags", "--remotes"];
    return unsignedAmong(await this.location.git.text([...args, ...ofOthers]));
  }

  async hashText(text: string): Promise<Sha> {
    return requireSha(await this.location.git.text(["hash-object", "--stdin"], { stdin: text }));
  }

  signer(commit: Sha, allowedSigners: string): Promise<string | undefined> {
    return readSigner(this.location.git, commit, allowedSigners);
  }

  /** True when a server can tell who pushed. */
  get canReadPushes(): boolean {
    return false;
  }

  /** A local repository has no accounts. */
  pushes(_branch: Branch): Promise<readonly Push[]> {
    return Promise.resolve([]);
  }

  async trail(commit: Sha, limit: number): Promise<readonly Commit[]> {
    return readTrail(this.location, commit, limit);
  }

  async salvageRefs(branch: Branch, request: Sha): Promise<readonly Ref[]> {
    const refs = new Set<Ref>();
    const take = ([ref = "", message = ""]: readonly string[]) => {
      if (valueOf(parseMessage(message).trailers, KEY.request) === request) refs.add(ref as Ref);
    };
    const fields = ["%(refname)", "%(contents)"];
    await forEachRef(this.location.git, { fields, patterns: [`${SALVAGE}${branch}/`], take });
    return [...refs];
  }
}

/** The branches among these that have an archive ref. */
export function branchesIn(refs: readonly string[], branches: readonly Branch[]): Set<Branch> {
  const names = new Set(refs.map((ref) => ref.slice(ARCHIVE.length, ref.lastIndexOf("/"))));
  return new Set(branches.filter((branch) => names.has(branch)));
}

/** First-parent history, newest first, of a commit or of a range such as `a..b`. */
export async function readTrail(location: GitLocation, commit: string, limit: number): Promise<Commit[]> {
  const { commonDir, git } = location;
  const id = parseSha(commit);
  if (id) return sessionsOf(git).objects.trail(commonDir, id, limit);
  const args = ["log", "--first-parent", "-n", String(limit), LOG_FORMAT, "--end-of-options", commit, "--"];
  return parseLog(await git.text(args));
}
