/**
 * The desk of a repository at a remote: what comments ask for, done by what the commands do.
 *
 * What must hold: who asked is the author, the bot the committer; every writing looks anew, and is
 * refused when the head is not the one that it was decided on.
 */
import { type Branch, parseSha, type Ref, type Sha } from "../core/protocol/ids.ts";
import { ARCHIVE } from "../core/protocol/refs.ts";
import { parseMessage, valuesOf } from "../core/protocol/message.ts";
import type { Head, View } from "../core/scheduling/snapshot.ts";
import { approvalsWanted } from "../core/scheduling/waits.ts";
import { Fault, words } from "../core/messages/messages.ts";
import { WORKFLOW_FILE } from "../core/workflow/workflow.ts";
import { type Again } from "./request-again.ts";
import { requestAgain } from "./request-again.ts";
import { approveHead } from "./approve.ts";
import { cancelOf } from "./cancel.ts";
import { record } from "./record-check.ts";
import { moveHold } from "./hold.ts";
import { requireState } from "./request.ts";
import { resumeOf } from "./resume.ts";
import { retryOf } from "./retry.ts";
import { findEvent, findHold } from "./history-queries.ts";
import { present, requireHead, survey, type Survey } from "./branch-listing.ts";
import { writeRequest, writeRequests } from "./write-request.ts";
import { BOT, readTrail } from "../git/repository.ts";
import type { Author, Desk, Place, Said, Sight, Wish, Written } from "../github/commands/repository-port.ts";
import type { Site } from "./workspace.ts";
import { formatProblems } from "./open-workspace.ts";
import { tell } from "./branch-report.ts";
import { formatHold } from "../core/scheduling/side-refs.ts";

/** So far below the trusted branch's head an event of a branch that is gone is looked for. */
const DEPTH = 2000;
/** As many hand-offs of one person are counted. */
const MOST = 200;
const CHECK_NAME = /^[\w./-]{1,100}$/;

export function openDesk(site: Site): Desk {
  const look = () => survey(site, present());
  /** The same site, for somebody who wrote to us elsewhere. */
  const as = ({ name, email }: Author): Site => ({
    ...site,
    place: { ...site.place, person: { name, email, through: site.place.person ?? BOT } },
  });
  const at = async ({ branch, commit }: Pick<Place, "branch" | "commit">) => {
    const found = await look();
    const head = requireHead(site, found.view.heads, branch);
    if (head.commit !== commit) throw new Fault(words.headMoved(branch));
    return { found, head };
  };
  const again = async (by: Author, place: Place, said: Said, verb: "retry" | "resume") => {
    const { found, head } = await at(place);
    const how: (view: View, head: Head) => Again = verb === "retry" ? retryOf : resumeOf;
    return requestAgain(as(by), how(found.view, head), verb, said);
  };

  return {
    look: async () => sightOf(await look()),
    knows: (branch, event) => knows(site, branch, event),
    asked: ({ email }, since) => asked(site, email, since),
    request: async (by, wishes) => request(as(by), await look(), wishes),
    retry: (by, place, said) => again(by, place, said, "retry"),
    resume: (by, place, said) => again(by, place, said, "resume"),
    async cancel(by, place, said) {
      const { found, head } = await at(place);
      const commit = await writeRequest(as(by), cancelOf(found.view, head, said));
      return { branch: head.branch, state: "cancelled", commit };
    },
    async approve(by, place, wanted, said) {
      const { found, head } = await at(place);
      const { branch } = head;
      // A signature would be the bot's, and say nothing of who asked.
      if (found.contract.workflow.proof === "signature") throw new Fault(words.needsOwnSignature(branch));
      const approves = found.view.facts.approved.get(head.key)?.approved ?? head.commit;
      if (wanted !== approves && wanted !== head.commit)
        throw new Fault(words.notApproved(branch, words.otherCommit(approves)));
      const { commit } = await approveHead(as(by), found, head, said);
      return { branch, state: stateIn(found, head)?.state ?? "", commit };
    },
    async hold(by, why) {
      await site.repository.look();
      const held = await findHold(site);
      if (held) throw new Fault(words.alreadyHeld(held.reason, held.by));
      await moveHold(as(by), undefined, formatHold(why));
    },
    async letGo(by) {
      await site.repository.look();
      const held = await findHold(site);
      if (!held) throw new Fault(words.notHeld());
      await moveHold(as(by), held, null);
    },
    async check(commit, name, conclusion) {
      if (!CHECK_NAME.test(name)) return false;
      const { view } = await look();
      const { approved } = view.facts;
      const heads = view.heads.filter((head) => (approved.get(head.key)?.approved ?? head.commit) === commit);
      for (const head of heads) await record(site, head, commit as Sha, name, conclusion);
      return heads.length > 0;
    },
    async tell(tale, branch) {
      const found = await look();
      return tell(site, found, requireHead(site, found.view.heads, branch), tale);
    },
  };
}

/** Its own request, or the one below approvals and commits of people. */
const stateIn = ({ view }: Survey, { asked, key }: Head) =>
  asked.kind === "request" ? asked : (view.facts.approved.get(key)?.request ?? view.takenOver.get(key));

function sightOf(found: Survey): Sight {
  const { view, contract } = found;
  return {
    target: view.target,
    workflow: contract.workflow,
    at(branch) {
      const head = view.heads.find((one) => one.branch === branch);
      return head && placeOf(found, head);
    },
    holding: (commit) => view.heads.find((one) => one.commit === commit)?.branch,
  };
}

function placeOf(found: Survey, head: Head): Place {
  const { view, contract, decisions } = found;
  const { branch, commit, key } = head;
  const request = stateIn(found, head);
  const lease = view.leases.get(key);
  const decision = decisions.find((one) => one.head.branch === branch);
  const waits = decision?.kind === "wait" && decision.why.code === "waits" && request !== undefined;
  const { header = "", body = "", trailers = [] } = request?.message ?? {};
  return {
    branch,
    commit,
    state: request?.state,
    hops: request?.hops ?? 0,
    isRunning: lease?.lease !== undefined && lease.lease.rest === undefined && !lease.dead,
    wantsApproval: waits && approvalsWanted(request, contract.workflow).length > 0,
    header,
    body,
    trailers,
  };
}

async function knows(site: Site, branch: Branch, event: string): Promise<Sha | undefined> {
  const look = await site.repository.look();
  const there = look.heads.find((head) => head.branch === branch);
  const found = there && (await findEvent(site, look, there, event));
  if (found) return found;
  // What has landed and is gone was asked for all the same.
  const archive = `${ARCHIVE}${branch}` as Ref;
  const archived = (await site.repository.read([archive])).get(archive);
  const trusted = look.heads.find((head) => head.branch === look.target)?.commit;
  for (const from of [archived, trusted]) {
    if (!from) continue;
    const trail = await readTrail(site.place, from, DEPTH);
    const carrier = trail.find(
      ({ message }) =>
        message.includes(event) && valuesOf(parseMessage(message).trailers, "Event").includes(event),
    );
    if (carrier) return carrier.commit;
  }
  return undefined;
}

/** By the clock of who committed, which is ours: what is asked on GitHub is written by us. */
async function asked({ place }: Site, email: string, since: number): Promise<number[]> {
  const args = ["log", "--branches", `--max-age=${Math.floor(since / 1000)}`, "-n", String(MOST)];
  const found = ["--fixed-strings", "--all-match", "--grep=Event: github:", `--author=<${email}>`];
  const format = "--format=%ct %(trailers:key=Event,valueonly,separator=%x20)";
  const lines = (await place.git.text([...args, ...found, format, "--"])).split("\n").filter(Boolean);
  // One command may begin several branches.
  const events = new Map(lines.map((line) => [line.slice(line.indexOf(" ")), Number.parseInt(line, 10)]));
  return [...events.values()].map((seconds) => seconds * 1000).toSorted((a, b) => a - b);
}

async function request(site: Site, found: Survey, wishes: readonly Wish[]): Promise<Written[]> {
  const { view, contract } = found;
  const { target, heads } = view;
  const trusted = requireHead(site, heads, target).commit;
  if (contract.problems.length > 0)
    throw new Fault(words.brokenWorkflow(`${target}:${WORKFLOW_FILE}`, formatProblems(contract.problems)));
  const ready = wishes.map(({ branch, state, on, from, messages, trailers }) => {
    const there = heads.find((head) => head.branch === branch);
    if (on === null && there) throw new Fault(words.branchExists(branch));
    if (on !== null && there?.commit !== on) throw new Fault(words.headMoved(branch));
    if (branch === target && contract.workflow.target === "ignore") throw new Fault(words.onTarget(branch));
    const asked = there && stateIn(found, there);
    const entry = asked && contract.workflow.states[asked.state];
    requireState(contract, target, state, entry);
    const parent = on ?? from ?? trusted;
    if (!parseSha(parent)) throw new Fault(words.noSuchCommit(parent));
    return { branch, parent, expected: on, state, messages, trailers };
  });
  const commits = await writeRequests(site, ready);
  return ready.map(({ branch, state }, index) => ({ branch, state, commit: commits[index] as Sha }));
}
