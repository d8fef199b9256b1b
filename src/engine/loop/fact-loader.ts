/**
 * Looks up in history what decisions about some heads depend on.
 *
 * What must hold: nothing is asked for a head that does not need it, and nothing twice of a commit,
 * because what lies below a commit never changes.
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
import type { TrustedConfig, RefListing, Repository } from "../ports.ts";
import { proveIdentity } from "./identity-proof.ts";
import { DEPTH } from "../timing.ts";

type Needs = Pick<Repository, "contains" | "landedBranches" | "pushes" | "read" | "signer" | "trail">;

export class FactLoader {
  readonly #repository: Needs;
  #items = new Map<Sha, CarriedState>();
  #approved = new Map<string, ApprovalState | undefined>();
  #reached = new Set<string>();

  constructor(repository: Needs) {
    this.#repository = repository;
  }

  async load(
    { target, heads }: Pick<RefListing, "target" | "heads">,
    contract: Pick<TrustedConfig, "workflow" | "file">,
    takenOver: Snapshot["takeovers"] = new Map(),
  ): Promise<HistoryFacts> {
    const { workflow } = contract;
    const waits = heads.flatMap((head) => waitsOf(head, workflow));
    const trusted = heads.find(({ branch }) => branch === target)?.commit;
    const items = await this.#findItems(heads, workflow, takenOver);
    return {
      reachedCommits: trusted ? await this.#findReached(trusted, waits) : new Set(),
      landedBranches: await this.#findLanded(heads, waits),
      carriedStates: items,
      missedBranches: await this.#findMissed(heads, waits, joining(heads, items, workflow)),
      approvalStates: await this.#findApproved(heads, contract, trusted),
    };
  }

  /**
   * A look reads one ref after another: it may find an answer, and not the branches that came with it.
   * What is not there now either is gone, because it came before the head that names it, or never.
   */
  async #findMissed(
    heads: readonly Head[],
    waits: readonly Predicate[],
    children: readonly Branch[],
  ): Promise<ReadonlySet<Branch>> {
    const present = new Set(heads.map(({ branch }) => branch));
    const wanted = [...children, ...waits.flatMap((one) => (one.kind === "branch" ? [one.branch] : []))];
    const absent = [...new Set(wanted)].filter((branch) => !present.has(branch));
    if (absent.length === 0) return new Set();
    const values = await this.#repository.read(absent.map(refOf));
    return new Set(absent.filter((branch) => values.get(refOf(branch))));
  }

  /** What the trusted branch held once it still holds. */
  async #findReached(trusted: Sha, waits: readonly Predicate[]): Promise<ReadonlySet<string>> {
    const wanted = new Set(waits.flatMap((one) => (one.kind === "commit" ? [one.id] : [])));
    const reached = new Set<string>();
    for (const id of wanted) {
      if (this.#reached.has(id) || (await this.#repository.contains(trusted, id))) reached.add(id);
    }
    this.#reached = reached;
    return reached;
  }

  async #findLanded(heads: readonly Head[], waits: readonly Predicate[]): Promise<ReadonlySet<Branch>> {
    const present = new Set(heads.map(({ branch }) => branch));
    const wanted = waits.flatMap((one) => (one.kind === "branch" ? [one.branch] : []));
    const gone = [...new Set(wanted)].filter((branch) => !present.has(branch));
    if (gone.length === 0) return new Set();
    return this.#repository.landedBranches(gone);
  }

  async #findItems(
    heads: readonly Head[],
    workflow: Workflow,
    takenOver: Snapshot["takeovers"],
  ): Promise<ReadonlyMap<string, CarriedState>> {
    const known = this.#items;
    this.#items = new Map();
    const items = new Map<string, CarriedState>();
    for (const head of heads) {
      const { reading, commit, key } = head;
      const request = reading.kind === "none" ? takenOver.get(key) : reading;
      if (!request || (request === reading && request.answers !== undefined)) continue;
      const joins = workflow.states[request.state]?.wait.some((one) =>
        singles(one).some(({ kind }) => kind === "children"),
      );
      if (!joins) continue;
      const item = known.get(commit) ?? readCarriedState(await this.#repository.trail(commit, DEPTH.work));
      this.#items.set(commit, item);
      items.set(key, item);
    }
    return items;
  }

  async #findApproved(
    heads: readonly Head[],
    contract: Pick<TrustedConfig, "workflow" | "file">,
    trusted: Sha | undefined,
  ): Promise<ReadonlyMap<string, ApprovalState>> {
    const known = this.#approved;
    this.#approved = new Map();
    const found = new Map<string, ApprovalState>();
    const { proof } = contract.workflow;
    for (const { reading, branch, commit, key } of heads) {
      if (reading.kind !== "none" || reading.reason !== "approves") continue;
      const id = `${commit} ${branch} ${proof} ${contract.workflow["on-plain-commit"]}`;
      const approved = known.has(id)
        ? known.get(id)
        : await this.#readApproved(branch, commit, contract, trusted);
      // A server may tell who pushed a moment later.
      if (proof !== "pusher") this.#approved.set(id, approved);
      if (approved) found.set(key, approved);
    }
    return found;
  }

  async #readApproved(
    branch: Branch,
    commit: Sha,
    contract: Pick<TrustedConfig, "workflow" | "file">,
    trusted: Sha | undefined,
  ): Promise<ApprovalState | undefined> {
    const { workflow } = contract;
    const trail = await this.#repository.trail(commit, DEPTH.work);
    const own = trusted && (await this.#countAbove(trusted, trail));
    const continues = workflow["on-plain-commit"] === "continue";
    const proven = await proveIdentity(
      this.#repository,
      contract,
      branch,
      trail,
      provable(trail.slice(0, own)),
    );
    const found = readApprovals(branch, trail, {
      provenAddresses: proven,
      ownCommits: own,
      canContinue: continues,
    });
    // Of what nobody is known to have asked for, nobody can say that it is not their own.
    const isUnknown = workflow.proof === "pusher" && found && !proven?.has(found.approvedCommit);
    return isUnknown ? { ...found, approvals: [] } : found;
  }

  /** How many commits of a history the trusted branch does not hold: below one that it holds, it holds all. */
  async #countAbove(trusted: Sha, trail: readonly Commit[]): Promise<number> {
    let [low, high] = [0, trail.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const id = trail[middle]?.commit ?? trusted;
      if (await this.#repository.contains(trusted, id)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** What is asked who wrote it: the approvals on top of a history, and what people asked for below them. */
function provable(trail: readonly Commit[]): readonly Commit[] {
  const end = trail.findIndex(({ message }) => approvedCommit(message) === undefined);
  if (end < 0) return trail;
  const asked = readHandOffs(trail.slice(end)).filter(({ answers }) => answers === undefined);
  return [...trail.slice(0, end), ...asked.map(({ commit }) => commit)];
}

/** The children that heads join. */
function joining(
  heads: readonly Head[],
  items: ReadonlyMap<string, CarriedState>,
  workflow: Workflow,
): Branch[] {
  return heads.flatMap(({ reading, branch, key }) => {
    if (reading.kind === "none") return [];
    const wait = workflow.states[reading.state]?.wait ?? [];
    if (!wait.some((one) => singles(one).some(({ kind }) => kind === "children"))) return [];
    const { children, joined } = items.get(key) ?? carriedStateOf(reading.message.trailers);
    return children.filter((one) => !joined.includes(one)).map((one) => childBranch(branch, one));
  });
}

/** Every single thing that a head waits for. */
function waitsOf({ reading }: Head, workflow: Workflow): Predicate[] {
  if (reading.kind === "none") return [];
  const wait = workflow.states[reading.state]?.wait ?? [];
  const depends = reading.dependsOn.flatMap((text) => parseDependency(text) ?? []);
  return [...wait, ...depends].flatMap(singles);
}
