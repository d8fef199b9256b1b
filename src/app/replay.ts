/** Runs a past request again, and compares its response with the recorded one. */
import { answeredRequest, findRequestAt, ownReading } from "../core/analysis/hand-off-report.ts";
import { comparableText, finalStateIn, readMeasurements, type ValuePair } from "../core/analysis/replay.ts";
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { PARKED } from "../core/protocol/refs.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import type { Commit, Request } from "../core/protocol/request.ts";
import { isReservedState } from "../core/workflow/workflow.ts";
import { replayRun, type ReplayResult } from "../engine/attempt/replay-run.ts";
import type { RefListing, TrustedConfig } from "../engine/ports.ts";
import { DEPTH } from "../engine/timing.ts";
import { readTrail } from "../git/local-repository.ts";
import type { Change } from "../git/parse-output.ts";
import { createReplay, type ReplayScript } from "./create-replay.ts";
import { diffTexts, readFileChanges } from "./git-diff.ts";
import { readAllCommits } from "./read-all-commits.ts";
import { readCandidateWorkflow, type NamedWorkflow } from "./local-scripts.ts";
import { formatProblems, requireTrustedConfig } from "./open-workspace.ts";
import { requireCommit } from "./show.ts";
import type { Environment, Workspace } from "./workspace.ts";

export interface ReplayReport {
  readonly request: string;
  readonly recorded: string;
  readonly branch: string;
  readonly asked: string;
  readonly state: ValuePair;
  readonly sameState: boolean;
  /** Why there was no response, or why it is a failure. */
  readonly why: string | undefined;
  /** The end of the script's output, where there was no response. */
  readonly log: string | undefined;
  readonly measured: Readonly<Record<string, ValuePair>>;
  readonly message: { readonly was: string; readonly now: string; readonly diff: string };
  readonly files: readonly Change[];
}

export interface ReplayChoice {
  /** A request, or the response to it. */
  readonly commit: string;
  readonly workflow: NamedWorkflow;
  readonly script: string | undefined;
  /** Is given a function that stops the script. */
  readonly onStart: (stop: () => void) => void;
}

/** Undefined when the script was stopped. */
export async function replayRequest(
  workspace: Workspace,
  env: Environment,
  { commit, workflow, script, onStart }: ReplayChoice,
): Promise<ReplayReport | undefined> {
  const { request, recorded } = await findPair(workspace, await requireCommit(workspace, commit), commit);
  const refs = await workspace.repository.listRefs();
  const config = await readConfig(workspace, refs, workflow);
  const named: ReplayScript = { directory: workflow.directory, name: script };
  const replay = await createReplay(workspace, env, config, request, named);
  if (!replay) throw new UserError(MESSAGES.noScript(request.state));
  try {
    onStart(replay.stop);
    const result = await replayRun({ ...replay.parts, trustedConfig: config, listing: refs, request });
    return replay.isStopped() ? undefined : await compare(workspace, request, recorded, result);
  } finally {
    await replay.dispose();
  }
}

/** A request with its recorded response, from either of the two. */
async function findPair(
  workspace: Workspace,
  named: Commit,
  name: string,
): Promise<{ request: Request; recorded: Commit }> {
  const answered = answeredRequest(named);
  const id = answered ?? named.commit;
  const trail = await readTrail(workspace.location, id, DEPTH.request);
  const below = findRequestAt(new Map(trail.map((commit) => [commit.commit, commit])), id);
  if (!below || isReservedState(below.request.state)) throw new UserError(MESSAGES.noRequestInHistory(name));
  const { request: asked } = below;
  // Approvals are above the request that they approve, and the run began at them.
  const request = { ...asked, commit: id, message: asked.message };
  const pairedWith = (recorded: Commit) => {
    const { branch } = ownReading(recorded) as Partial<Request>;
    // A request that names no branch was run on the branch that answered it.
    return { request: { ...request, branch: branch ?? request.branch }, recorded };
  };
  if (answered) return pairedWith(named);
  const search = ["--fixed-strings", `--grep=${KEY.answers}: ${id}`, `--glob=${PARKED}*`];
  const { commits } = await readAllCommits(workspace, search);
  const answers = commits.filter((commit) => answeredRequest(commit) === id);
  const own = answers.find((commit) => commit.message.includes(`\n${KEY.branch}: ${request.branch}\n`));
  const recorded = own ?? answers[0];
  if (!recorded) throw new UserError(MESSAGES.noAnswerYet(id));
  return pairedWith(recorded);
}

/** The trusted configuration, with the workflow of the worktree where one is named. */
async function readConfig(
  workspace: Workspace,
  { target, heads }: RefListing,
  { directory, name }: NamedWorkflow,
): Promise<TrustedConfig> {
  if (name === undefined) return requireTrustedConfig(workspace, target, heads);
  const trusted = await workspace.trustedConfig(target, heads);
  const { workflow, problems } = readCandidateWorkflow(directory, name, trusted);
  if (!workflow || problems.length > 0)
    throw new UserError(MESSAGES.brokenWorkflow(name, formatProblems(problems)));
  return { ...trusted, target, workflow, blob: undefined };
}

async function compare(
  { location }: Workspace,
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
    message: { was: before, now: after, diff: await diffTexts(location.git, before, after) },
    files: answer ? await readFileChanges(location.git, recorded.commit, answer.tree) : [],
  };
}
