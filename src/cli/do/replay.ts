/** `trailhand replay`: runs a past request again, and shows how its answer differs. */
import { answeredRequest, findRequestAt, ownReading } from "../../core/analysis/hand-off-report.ts";
import { comparableText, readMeasurements, finalStateIn } from "../../core/analysis/replay.ts";
import type { Commit, Request } from "../../core/protocol/request.ts";
import { isReservedState } from "../../core/workflow/workflow.ts";
import { EXIT_CODE, UserError, MESSAGES } from "../../core/messages/messages.ts";
import type { ReadTrustedConfig } from "../../git/contract.ts";
import { readTrail } from "../../git/local-repository.ts";
import { replayRun, type ReplayResult } from "../../engine/attempt/replay-run.ts";
import type { TrustedConfig, RefListing } from "../../engine/ports.ts";
import type { Workspace } from "../../app/workspace.ts";
import { formatProblems, openWorkspace, requireTrustedConfig } from "../../app/open-workspace.ts";
import { createReplay } from "../../app/create-replay.ts";
import type { CommandCall, CommandRun } from "../call.ts";
import { diffTexts, readFileChanges } from "../render/text-diff.ts";
import { readAllCommits } from "../../app/history-queries.ts";
import { renderReplay, type ReplayReport } from "../render/render-replay.ts";
import { printJson } from "../render/terminal.ts";
import { readCandidateWorkflow } from "../../app/local-scripts.ts";
import { requireCommit } from "./show.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";
import { PARKED } from "../../core/protocol/refs.ts";
import { DEPTH } from "../../engine/timing.ts";

export const run: CommandRun = async (call) => {
  const { input, terminal, env } = call;
  const site = await openWorkspace(input.directory, env);
  const named = await requireCommit(site, input.arguments[0] ?? "");
  const { request, recorded } = await findPair(site, named, input.arguments[0] ?? "");
  const look = await site.repository.listRefs();
  const contract = await contractFor(call, site, look);
  const wired = await createReplay(site, env, contract, request, input.directory, input.value("script"));
  if (!wired) throw new UserError(MESSAGES.noScript(request.state));
  try {
    const rehearsed = await replayRun({ ...wired.parts, trustedConfig: contract, listing: look, request });
    const code = wired.stopped();
    if (code !== undefined) return code;
    const replay = await compare(site, request, recorded, rehearsed);
    if (input.has("json")) printJson(terminal, replay);
    else renderReplay(terminal, replay);
    return replay.sameState && replay.files.length === 0 ? EXIT_CODE.done : EXIT_CODE.failed;
  } finally {
    await wired.dispose();
  }
};

/** A request with its recorded answer, from either of the two. */
async function findPair(
  site: Workspace,
  named: Commit,
  name: string,
): Promise<{ request: Request; recorded: Commit }> {
  const answered = answeredRequest(named);
  const id = answered ?? named.commit;
  const trail = await readTrail(site.location, id, DEPTH.request);
  const found = findRequestAt(new Map(trail.map((commit) => [commit.commit, commit])), id);
  if (!found || isReservedState(found.request.state)) throw new UserError(MESSAGES.noRequestBelow(name));
  const { request: asked } = found;
  // Approvals stand above what they approve, and the run began at them.
  const request = { ...asked, commit: id, message: asked.message };
  const pairedWith = (recorded: Commit) => {
    const { branch } = ownReading(recorded) as Partial<Request>;
    // A request that names no branch was run on the one that answered it.
    return { request: { ...request, branch: branch ?? request.branch }, recorded };
  };
  if (answered) return pairedWith(named);
  const search = ["--fixed-strings", `--grep=${KEY.answers}: ${id}`, `--glob=${PARKED}*`];
  const answers = (await readAllCommits(site, search)).commits.filter(
    (commit) => answeredRequest(commit) === id,
  );
  const own = answers.find((commit) => commit.message.includes(`\n${KEY.branch}: ${request.branch}\n`));
  const recorded = own ?? answers[0];
  if (!recorded) throw new UserError(MESSAGES.noAnswerYet(id));
  return pairedWith(recorded);
}

/** The trusted contract, with the workflow of the work tree where one is given. */
async function contractFor(
  { input }: CommandCall,
  site: Workspace,
  look: RefListing,
): Promise<TrustedConfig> {
  const named = input.value("workflow");
  if (named === undefined) return requireTrustedConfig(site, look.target, look.heads);
  const trusted: ReadTrustedConfig = await site.trustedConfig(look.target, look.heads);
  const { workflow, problems } = readCandidateWorkflow(input.directory, named, trusted);
  if (!workflow || problems.length > 0)
    throw new UserError(MESSAGES.brokenWorkflow(named, formatProblems(problems)));
  return { ...trusted, target: look.target, workflow, blob: undefined };
}

async function compare(
  site: Workspace,
  request: Request,
  recorded: Commit,
  { outcome, answer, log }: ReplayResult,
): Promise<ReplayReport> {
  const was = finalStateIn(recorded);
  const now = answer?.state;
  const [before, after] = [comparableText(recorded.message), answer ? comparableText(answer.message) : ""];
  return {
    request: request.commit,
    recorded: recorded.commit,
    branch: request.branch,
    asked: request.state,
    state: { was, now },
    sameState: was === now,
    why: "why" in outcome ? outcome.why : undefined,
    log: outcome.kind === "answer" ? undefined : log,
    measured: readMeasurements(recorded.message, answer?.message ?? ""),
    message: { was: before, now: after, diff: await diffTexts(site.location.git, before, after) },
    files: answer ? await readFileChanges(site.location.git, recorded.commit, answer.tree) : [],
  };
}
