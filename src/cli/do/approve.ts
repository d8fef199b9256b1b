/**
 * `trailhand approve`: a person's commit on top of a request that waits for approvals.
 *
 * What must hold: it is written only when the runner would count it, by the runner's own reading;
 * where signatures prove who a person is, it is signed with the person's own key.
 */
import { approvalProblem, counted, type Approved } from "../../core/policy/approvals.ts";
import { composeMessage } from "../../core/protocol/compose.ts";
import { refOf, type Sha } from "../../core/protocol/ids.ts";
import type { Head } from "../../core/scheduling/snapshot.ts";
import { approvalsWanted } from "../../core/scheduling/waits.ts";
import { EXIT, Fault, words } from "../../core/messages/messages.ts";
import { readEntry } from "../../git/build-snapshot.ts";
import { GitExit } from "../../git/exec.ts";
import { readTrail } from "../../git/repository.ts";
import { signingOf } from "../../git/verify-signature.ts";
import { Inquirer } from "../../engine/loop/fact-loader.ts";
import type { Site } from "../../app/workspace.ts";
import { openSite } from "../../app/open-workspace.ts";
import type { Run } from "../call.ts";
import { present, requireHead, survey, type Survey } from "../../app/branch-listing.ts";
import { printJson } from "../render/terminal.ts";
import type { Wish } from "../../app/write-request.ts";

export const run: Run = async (call) => {
  const { input, terminal } = call;
  const site = await openSite(input.directory, call.env, { remote: input.value("remote") });
  const found = await survey(site, present());
  const head = requireHead(site, found.view.heads, input.arguments[0]);
  const { branch } = head;
  const said = { messages: input.values("message"), trailers: [] };
  const { commit, approves, by, missing } = await approveHead(site, found, head, said);
  if (input.has("json")) printJson(terminal, { branch, commit, approves, by, missing });
  else {
    terminal.print(`${commit.slice(0, 10)} approves ${approves.slice(0, 10)} on ${branch}`);
    terminal.say(missing === 0 ? "next: trailhand run" : `${missing} more to go`);
  }
  return EXIT.done;
};

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

type Wanted = ReturnType<typeof approvalsWanted>[number];

const good = (one: Wanted, approved: Approved | undefined, { contract, now }: Survey) =>
  approved ? counted(one, approved, contract.workflow, now.wall) : [];

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
