/**
 * The desk of a repository at a remote: what comments ask for, done by what the commands do.
 *
 * What must hold: who asked is the author, the bot the committer; every writing looks anew, and is
 * refused when the head is not the one that it was decided on.
 */
import { type Branch, parseSha, type Ref, type Sha } from "../core/protocol/ids.ts";
import { ARCHIVE } from "../core/protocol/refs.ts";
import { parseMessage, valuesOf } from "../core/protocol/message.ts";
import type { Head, Snapshot } from "../core/scheduling/snapshot.ts";
import { requiredApprovals } from "../core/scheduling/waits.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { WORKFLOW_FILE } from "../core/workflow/workflow.ts";
import { type RepeatRequest } from "../app/request-again.ts";
import { requestAgain } from "../app/request-again.ts";
import { approveHead } from "../app/approve.ts";
import { planCancel } from "../app/cancel.ts";
import { recordCheck } from "../app/record-check.ts";
import { changeHold } from "../app/hold.ts";
import { requireState } from "../app/request.ts";
import { planResume } from "../app/resume.ts";
import { planRetry } from "../app/retry.ts";
import { findEvent, findHold } from "../app/history-queries.ts";
import { currentTime, requireHead, listBranches, type BranchListing } from "../app/branch-listing.ts";
import { writeRequest, writeRequests } from "../app/write-request.ts";
import { BOT, readTrail } from "../git/local-repository.ts";
import type {
  Author,
  RepositoryActions,
  BranchPosition,
  CommandText,
  RepositoryView,
  NewRequest,
  WrittenRequest,
} from "../github/commands/repository-port.ts";
import type { Workspace } from "../app/workspace.ts";
import { formatProblems } from "../app/open-workspace.ts";
import { branchReport } from "./branch-report.ts";
import { formatHold } from "../core/scheduling/side-refs.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import { DEPTH } from "../engine/timing.ts";

/** As many hand-offs of one person are counted. */
const MOST = 200;
const CHECK_NAME = /^[\w./-]{1,100}$/;

export function openRepositoryActions(workspace: Workspace): RepositoryActions {
  const look = () => listBranches(workspace, currentTime());
  /** The same workspace, for somebody who wrote to us elsewhere. */
  const as = ({ name, email }: Author): Workspace => ({
    ...workspace,
    location: { ...workspace.location, person: { name, email, writtenBy: workspace.location.person ?? BOT } },
  });
  const at = async ({ branch, commit }: Pick<BranchPosition, "branch" | "commit">) => {
    const found = await look();
    const head = requireHead(workspace, found.snapshot.heads, branch);
    if (head.commit !== commit) throw new UserError(MESSAGES.headMoved(branch));
    return { found, head };
  };
  const again = async (by: Author, place: BranchPosition, said: CommandText, verb: "retry" | "resume") => {
    const { found, head } = await at(place);
    const how: (view: Snapshot, head: Head) => RepeatRequest = verb === "retry" ? planRetry : planResume;
    return requestAgain(as(by), how(found.snapshot, head), verb, said);
  };

  return {
    readView: async () => sightOf(await look()),
    findEvent: (branch, event) => knows(workspace, branch, event),
    acceptedTimes: ({ email }, since) => asked(workspace, email, since),
    request: async (by, wishes) => request(as(by), await look(), wishes),
    retry: (by, place, said) => again(by, place, said, "retry"),
    resume: (by, place, said) => again(by, place, said, "resume"),
    async cancel(by, place, said) {
      const { found, head } = await at(place);
      const commit = await writeRequest(as(by), planCancel(found.snapshot, head, said));
      return { branch: head.branch, state: "cancelled", commit };
    },
    async approve(by, place, wanted, said) {
      const { found, head } = await at(place);
      const { branch } = head;
      // A signature would be the bot's, and say nothing of who asked.
      if (found.trustedConfig.workflow.proof === "signature")
        throw new UserError(MESSAGES.needsOwnSignature(branch));
      const approves = found.snapshot.facts.approvalStates.get(head.key)?.approvedCommit ?? head.commit;
      if (wanted !== approves && wanted !== head.commit)
        throw new UserError(MESSAGES.notApproved(branch, MESSAGES.otherCommit(approves)));
      const { commit } = await approveHead(as(by), found, head, said);
      return { branch, state: stateIn(found, head)?.state ?? "", commit };
    },
    async hold(by, why) {
      await workspace.repository.listRefs();
      const held = await findHold(workspace);
      if (held) throw new UserError(MESSAGES.alreadyHeld(held.reason, held.by));
      await changeHold(as(by), undefined, formatHold(why));
    },
    async releaseHold(by) {
      await workspace.repository.listRefs();
      const held = await findHold(workspace);
      if (!held) throw new UserError(MESSAGES.notHeld());
      await changeHold(as(by), held, null);
    },
    async recordCheck(commit, name, conclusion) {
      if (!CHECK_NAME.test(name)) return false;
      const { snapshot } = await look();
      const { approvalStates: approved } = snapshot.facts;
      const heads = snapshot.heads.filter(
        (head) => (approved.get(head.key)?.approvedCommit ?? head.commit) === commit,
      );
      for (const head of heads) await recordCheck(workspace, head, commit as Sha, name, conclusion);
      return heads.length > 0;
    },
    async report(tale, branch) {
      const found = await look();
      return branchReport(workspace, found, requireHead(workspace, found.snapshot.heads, branch), tale);
    },
  };
}

/** Its own request, or the one below approvals and commits of people. */
const stateIn = ({ snapshot }: BranchListing, { reading, key }: Head) =>
  reading.kind === "request"
    ? reading
    : (snapshot.facts.approvalStates.get(key)?.request ?? snapshot.takeovers.get(key));

function sightOf(found: BranchListing): RepositoryView {
  const { snapshot, trustedConfig } = found;
  return {
    target: snapshot.target,
    workflow: trustedConfig.workflow,
    position(branch) {
      const head = snapshot.heads.find((one) => one.branch === branch);
      return head && placeOf(found, head);
    },
    branchAt: (commit) => snapshot.heads.find((one) => one.commit === commit)?.branch,
  };
}

function placeOf(found: BranchListing, head: Head): BranchPosition {
  const { snapshot, trustedConfig, decisions } = found;
  const { branch, commit, key } = head;
  const request = stateIn(found, head);
  const lease = snapshot.leases.get(key);
  const decision = decisions.find((one) => one.head.branch === branch);
  const waits = decision?.kind === "wait" && decision.why.code === "waits" && request !== undefined;
  const { header = "", body = "", trailers = [] } = request?.message ?? {};
  return {
    branch,
    commit,
    state: request?.state,
    hops: request?.hops ?? 0,
    isRunning: lease?.lease !== undefined && lease.lease.backoff === undefined && !lease.isHolderDead,
    wantsApproval: waits && requiredApprovals(request, trustedConfig.workflow).length > 0,
    header,
    body,
    trailers,
  };
}

async function knows(workspace: Workspace, branch: Branch, event: string): Promise<Sha | undefined> {
  const look = await workspace.repository.listRefs();
  const there = look.heads.find((head) => head.branch === branch);
  const found = there && (await findEvent(workspace, look, there, event));
  if (found) return found;
  // What has landed and is gone was asked for all the same.
  const archive = `${ARCHIVE}${branch}` as Ref;
  const archived = (await workspace.repository.read([archive])).get(archive);
  const trusted = look.heads.find((head) => head.branch === look.target)?.commit;
  for (const from of [archived, trusted]) {
    if (!from) continue;
    const trail = await readTrail(workspace.location, from, DEPTH.landedEvent);
    const carrier = trail.find(
      ({ message }) =>
        message.includes(event) && valuesOf(parseMessage(message).trailers, KEY.event).includes(event),
    );
    if (carrier) return carrier.commit;
  }
  return undefined;
}

/** By the clock of who committed, which is ours: what is asked on GitHub is written by us. */
async function asked({ location }: Workspace, email: string, since: number): Promise<number[]> {
  const args = ["log", "--branches", `--max-age=${Math.floor(since / 1000)}`, "-n", String(MOST)];
  const found = ["--fixed-strings", "--all-match", "--grep=Event: github:", `--author=<${email}>`];
  const format = "--format=%ct %(trailers:key=Event,valueonly,separator=%x20)";
  const lines = (await location.git.text([...args, ...found, format, "--"])).split("\n").filter(Boolean);
  // One command may begin several branches.
  const events = new Map(lines.map((line) => [line.slice(line.indexOf(" ")), Number.parseInt(line, 10)]));
  return [...events.values()].map((seconds) => seconds * 1000).toSorted((a, b) => a - b);
}

async function request(
  workspace: Workspace,
  found: BranchListing,
  wishes: readonly NewRequest[],
): Promise<WrittenRequest[]> {
  const { snapshot, trustedConfig } = found;
  const { target, heads } = snapshot;
  const trusted = requireHead(workspace, heads, target).commit;
  if (trustedConfig.problems.length > 0)
    throw new UserError(
      MESSAGES.brokenWorkflow(`${target}:${WORKFLOW_FILE}`, formatProblems(trustedConfig.problems)),
    );
  const ready = wishes.map(({ branch, state, expectedHead: on, startPoint: from, messages, trailers }) => {
    const there = heads.find((head) => head.branch === branch);
    if (on === null && there) throw new UserError(MESSAGES.branchExists(branch));
    if (on !== null && there?.commit !== on) throw new UserError(MESSAGES.headMoved(branch));
    if (branch === target && trustedConfig.workflow.target === "ignore")
      throw new UserError(MESSAGES.onTarget(branch));
    const asked = there && stateIn(found, there);
    const entry = asked && trustedConfig.workflow.states[asked.state];
    requireState(trustedConfig, target, state, entry);
    const parent = on ?? from ?? trusted;
    if (!parseSha(parent)) throw new UserError(MESSAGES.noSuchCommit(parent));
    return { branch, parent, expected: on, state, messages, trailers };
  });
  const commits = await writeRequests(workspace, ready);
  return ready.map(({ branch, state }, index) => ({ branch, state, commit: commits[index] as Sha }));
}
