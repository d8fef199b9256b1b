/**
 * Looks up in history the facts that decisions about some heads depend on.
 *
 * Invariants:
 * - Nothing is read for a head that does not need it, and nothing twice for one commit: the history
 *   below a commit never changes.
 */
import { readApprovals, type ApprovalState } from "../../core/policy/approvals.ts";
import { refOf, type Branch, type Sha } from "../../core/protocol/ids.ts";
import { childBranch } from "../../core/scheduling/children.ts";
import { carriedStateOf, readCarriedState, type CarriedState } from "../../core/workflow/carried-state.ts";
import { approvedCommit, type Commit } from "../../core/protocol/request.ts";
import { readHandOffs } from "../../core/protocol/hand-offs.ts";
import type { HistoryFacts, Head, Snapshot } from "../../core/scheduling/snapshot.ts";
import { parseDependency, singles, type Predicate } from "../../core/workflow/wait.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import { DEPTH } from "../timing.ts";
import type { History, PushIdentity, RefListing, RefStore, TrustedConfig } from "../ports.ts";
import { proveIdentity } from "../identity-proof.ts";

export interface FactSource
  extends Pick<RefStore, "read">, Pick<History, "contains" | "landedBranches" | "trail">, PushIdentity {}

type FactConfig = Pick<TrustedConfig, "workflow" | "file">;

export class FactLoader {
  readonly #repository: FactSource;
  #carried = new Map<Sha, CarriedState>();
  #approved = new Map<string, ApprovalState | undefined>();
  #reached = new Set<string>();

  constructor(repository: FactSource) {
    this.#repository = repository;
  }

  async load(
    { target, heads }: Pick<RefListing, "target" | "heads">,
    config: FactConfig,
    takeovers: Snapshot["takeovers"] = new Map(),
  ): Promise<HistoryFacts> {
    const { workflow } = config;
    const predicates = heads.flatMap((head) => predicatesOf(head, workflow));
    const targetCommit = heads.find(({ branch }) => branch === target)?.commit;
    const carried = await this.#loadCarried(heads, workflow, takeovers);
    return {
      reachedCommits: targetCommit ? await this.#loadReached(targetCommit, predicates) : new Set(),
      landedBranches: await this.#loadLanded(heads, predicates),
      carriedStates: carried,
      missedBranches: await this.#loadMissed(heads, predicates, joinedChildren(heads, carried, workflow)),
      approvalStates: await this.#loadApproved(heads, config, targetCommit),
    };
  }

  /**
   * A poll reads refs one after another, so it may see a response without the branches that it created.
   * Children exist before the head that names them, so a child that is missing on a second read is gone.
   */
  async #loadMissed(
    heads: readonly Head[],
    predicates: readonly Predicate[],
    children: readonly Branch[],
  ): Promise<ReadonlySet<Branch>> {
    const absent = absentBranches(heads, [...children, ...branchesOf(predicates)]);
    if (absent.length === 0) return new Set();
    const values = await this.#repository.read(absent.map(refOf));
    return new Set(absent.filter((branch) => values.get(refOf(branch))));
  }

  /** A commit that the trusted branch contained once stays contained. */
  async #loadReached(targetCommit: Sha, predicates: readonly Predicate[]): Promise<ReadonlySet<string>> {
    const ids = new Set(predicates.flatMap((one) => (one.kind === "commit" ? [one.id] : [])));
    const reached = new Set<string>();
    for (const id of ids) {
      if (this.#reached.has(id) || (await this.#repository.contains(targetCommit, id))) reached.add(id);
    }
    this.#reached = reached;
    return reached;
  }

  async #loadLanded(heads: readonly Head[], predicates: readonly Predicate[]): Promise<ReadonlySet<Branch>> {
    const absent = absentBranches(heads, branchesOf(predicates));
    return absent.length === 0 ? new Set() : this.#repository.landedBranches(absent);
  }

  async #loadCarried(
    heads: readonly Head[],
    workflow: Workflow,
    takeovers: Snapshot["takeovers"],
  ): Promise<ReadonlyMap<string, CarriedState>> {
    const previous = this.#carried;
    this.#carried = new Map();
    const carried = new Map<string, CarriedState>();
    for (const { reading, commit, key } of heads) {
      const request = reading.kind === "none" ? takeovers.get(key) : reading;
      if (!request || (request === reading && request.answers !== undefined)) continue;
      if (!waitsForChildren(workflow, request.state)) continue;
      const state =
        previous.get(commit) ?? readCarriedState(await this.#repository.trail(commit, DEPTH.work));
      this.#carried.set(commit, state);
      carried.set(key, state);
    }
    return carried;
  }

  async #loadApproved(
    heads: readonly Head[],
    config: FactConfig,
    targetCommit: Sha | undefined,
  ): Promise<ReadonlyMap<string, ApprovalState>> {
    const previous = this.#approved;
    this.#approved = new Map();
    const approved = new Map<string, ApprovalState>();
    const { proof } = config.workflow;
    for (const { reading, branch, commit, key } of heads) {
      if (reading.kind !== "none" || reading.reason !== "approves") continue;
      const id = `${commit} ${branch} ${proof} ${config.workflow["on-plain-commit"]}`;
      const state = previous.has(id)
        ? previous.get(id)
        : await this.#readApproved(branch, commit, config, targetCommit);
      // A server may report the pusher a moment later.
      if (proof !== "pusher") this.#approved.set(id, state);
      if (state) approved.set(key, state);
    }
    return approved;
  }

  async #readApproved(
    branch: Branch,
    commit: Sha,
    config: FactConfig,
    targetCommit: Sha | undefined,
  ): Promise<ApprovalState | undefined> {
    const { workflow } = config;
    const trail = await this.#repository.trail(commit, DEPTH.work);
    const own = targetCommit && (await this.#countAbove(targetCommit, trail));
    const commits = commitsToProve(trail.slice(0, own));
    const proven = await proveIdentity(this.#repository, config, branch, trail, commits);
    const approved = readApprovals(branch, trail, {
      provenAddresses: proven,
      ownCommits: own,
      canContinue: workflow["on-plain-commit"] === "continue",
    });
    // With an unproven requester, an approval could be the requester's own.
    const isRequesterUnknown =
      workflow.proof === "pusher" && approved && !proven?.has(approved.approvedCommit);
    return isRequesterUnknown ? { ...approved, approvals: [] } : approved;
  }

  /** Counts the commits of a trail that the trusted branch does not contain, by binary search. */
  async #countAbove(targetCommit: Sha, trail: readonly Commit[]): Promise<number> {
    let [low, high] = [0, trail.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const id = trail[middle]?.commit ?? targetCommit;
      if (await this.#repository.contains(targetCommit, id)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Commits whose author needs proof: the approvals on top, and the requests of people below them. */
function commitsToProve(trail: readonly Commit[]): readonly Commit[] {
  const end = trail.findIndex(({ message }) => approvedCommit(message) === undefined);
  if (end < 0) return trail;
  const requests = readHandOffs(trail.slice(end)).filter(({ answers }) => answers === undefined);
  return [...trail.slice(0, end), ...requests.map(({ commit }) => commit)];
}

/** The children that heads wait for and have not joined yet. */
function joinedChildren(
  heads: readonly Head[],
  carried: ReadonlyMap<string, CarriedState>,
  workflow: Workflow,
): Branch[] {
  return heads.flatMap(({ reading, branch, key }) => {
    if (reading.kind === "none" || !waitsForChildren(workflow, reading.state)) return [];
    const { children, joined } = carried.get(key) ?? carriedStateOf(reading.message.trailers);
    return children.filter((child) => !joined.includes(child)).map((child) => childBranch(branch, child));
  });
}

function waitsForChildren(workflow: Workflow, state: string): boolean {
  const wait = workflow.states[state]?.wait ?? [];
  return wait.some((predicate) => singles(predicate).some(({ kind }) => kind === "children"));
}

const branchesOf = (predicates: readonly Predicate[]): Branch[] =>
  predicates.flatMap((predicate) => (predicate.kind === "branch" ? [predicate.branch] : []));

function absentBranches(heads: readonly Head[], branches: readonly Branch[]): Branch[] {
  const present = new Set(heads.map(({ branch }) => branch));
  return [...new Set(branches)].filter((branch) => !present.has(branch));
}

/** Every single condition that a head waits for. */
function predicatesOf({ reading }: Head, workflow: Workflow): Predicate[] {
  if (reading.kind === "none") return [];
  const wait = workflow.states[reading.state]?.wait ?? [];
  const dependencies = reading.dependsOn.flatMap((text) => parseDependency(text) ?? []);
  return [...wait, ...dependencies].flatMap(singles);
}
