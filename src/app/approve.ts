/**
 * Approves a request that waits for approvals, with a person's commit on top of it.
 *
 * Invariants:
 * - The commit is written only when the runner would count it, judged by the runner's own reader.
 * - With `proof: signature` the person's own key signs it.
 */
import { Fault, words } from "../core/messages/messages.ts";
import { approvalProblem, counted, type Approved } from "../core/policy/approvals.ts";
import { composeMessage } from "../core/protocol/compose.ts";
import { type Sha, refOf } from "../core/protocol/ids.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { approvalsWanted } from "../core/scheduling/waits.ts";
import { signingOf } from "../git/verify-signature.ts";
import { GitExit } from "../git/exec.ts";
import type { Survey } from "./branch-listing.ts";
import type { Site } from "./workspace.ts";
import type { Wish } from "./write-request.ts";
import { Inquirer } from "../engine/loop/fact-loader.ts";
import { readEntry } from "../git/build-snapshot.ts";
import { readTrail } from "../git/repository.ts";

/** Approves what a head asks for. Throws a Fault with the reason when that would not count. */
export async function approveHead(
  site: Site,
  found: Survey,
  head: Head,
  said: Pick<Wish, "messages" | "trailers">,
): Promise<{ readonly commit: Sha; readonly approves: Sha; readonly by: string; readonly missing: number }> {
  const { branch } = head;
  const before = found.view.facts.approved.get(head.key);
  const open = findOpen(found, head, before);
  const approves = before?.approved ?? head.commit;
  const commit = await write(said, site, found, head, approves);
  const after = await readAgain(site, found, head, commit);
  const mine = after.approvals.find((one) => one.commit === commit);
  const refuse = (why: string) => new Fault(words.notApproved(branch, why));
  if (!mine) throw refuse(words.unknownSigner());
  const { workflow } = found.contract;
  const problems = open.map((one) => {
    const standing = { askers: after.askers, before: good(one, before, found) };
    return approvalProblem(one, mine.by, standing, workflow);
  });
  const [problem] = problems;
  if (problem !== undefined && !problems.includes(undefined)) throw refuse(problem);
  const move = { ref: refOf(branch), expected: head.commit, next: commit };
  const swap = await site.repository.advance([move], "approve");
  if (swap.kind !== "landed") throw new Fault(words.headMoved(branch));
  const missing = open.map((one) => one.n - good(one, after, found).length).find((n) => n > 0);
  return { commit, approves, by: mine.by, missing: missing ?? 0 };
}

/** The approvals that the branch waits for now. Throws a Fault when there are none. */
function findOpen(found: Survey, head: Head, before: Approved | undefined): Wanted[] {
  const decision = found.decisions.find((one) => one.head.branch === head.branch);
  const refuse = (why: string) => new Fault(words.notApproved(head.branch, why));
  if (decision && "why" in decision && decision.why.code === "void-approval")
    throw refuse(words.approvalVoid());
  const { workflow } = found.contract;
  const below = workflow["on-plain-commit"] === "continue" ? found.view.takenOver.get(head.key) : undefined;
  const request = before?.request ?? (head.asked.kind === "request" ? head.asked : below);
  const wanted = request && decision?.kind === "wait" ? approvalsWanted(request, workflow) : [];
  const open = wanted.filter((one) => good(one, before, found).length < one.n);
  if (open.length === 0) throw refuse(words.noApprovalWanted());
  return open;
}

/** The commit; no ref names it yet. */
async function write(
  { messages, trailers: more }: Pick<Wish, "messages" | "trailers">,
  { place, repository }: Site,
  { contract }: Survey,
  { commit }: Head,
  approves: Sha,
): Promise<Sha> {
  if (!place.person) throw new Fault(words.noIdentity());
  const [header = "trailhand: approved", ...paragraphs] = messages;
  const trailers = [...more, { key: "Approves", value: approves }];
  const message = composeMessage({ header, body: paragraphs.join("\n\n"), trailers });
  if (contract.workflow.proof === "author") return repository.requestCommit(commit, message, place.person);
  const signing = signingOf(place.settings);
  if (!signing) throw new Fault(words.noSigningKey());
  try {
    return await repository.requestCommit(commit, message, place.person, signing);
  } catch (error) {
    if (!(error instanceof GitExit)) throw error;
    throw new Fault(words.notSigned(error.message), { cause: error });
  }
}

/** What a runner would read, if the commit were the head. */
async function readAgain(site: Site, found: Survey, head: Head, commit: Sha): Promise<Approved> {
  const [written] = await readTrail(site.place, commit, 1);
  const next = written && readEntry(refOf(head.branch), written);
  const { target, heads } = found.view;
  const trusted = heads.filter(({ branch }) => branch === target && branch !== head.branch);
  const look = { target, heads: next && "asked" in next ? [...trusted, next] : trusted };
  const { approved } = await new Inquirer(site.repository).inquire(look, found.contract);
  const read = approved.get(head.key);
  if (!read) throw new Fault(words.notApproved(head.branch, words.approvalVoid()));
  return read;
}

const good = (one: Wanted, approved: Approved | undefined, { contract, now }: Survey) =>
  approved ? counted(one, approved, contract.workflow, now.wall) : [];

type Wanted = ReturnType<typeof approvalsWanted>[number];
