/** `trailhand replay`: runs a past request again, and shows how its answer differs. */
import { answeredBy, askedAt, ownReading } from "../../core/analysis/hand-off-report.ts";
import { comparable, measured, stateIn } from "../../core/analysis/replay.ts";
import type { Commit, Request } from "../../core/protocol/request.ts";
import { isReservedState } from "../../core/workflow/workflow.ts";
import { EXIT, Fault, words } from "../../core/messages/messages.ts";
import type { ReadContract } from "../../git/contract.ts";
import { readTrail } from "../../git/repository.ts";
import { rehearse, type Rehearsed } from "../../engine/attempt/replay-run.ts";
import type { Contract, Look } from "../../engine/ports.ts";
import type { Site } from "../../app/workspace.ts";
import { formatProblems, openSite, usableContract } from "../../app/open-workspace.ts";
import { wireRehearsal } from "../../app/create-replay.ts";
import type { Call, Run } from "../call.ts";
import { diffTexts, readFileChanges } from "../render/text-diff.ts";
import { readPile } from "../../app/history-queries.ts";
import { reportReplay, type Replay } from "../render/render-replay.ts";
import { printJson } from "../render/terminal.ts";
import { readTried } from "../../app/local-scripts.ts";
import { requireCommit } from "./show.ts";

/** So far below an approval its request is looked for. */
const DEPTH = 200;

export const run: Run = async (call) => {
  const { input, terminal, env } = call;
  const site = await openSite(input.directory, env);
  const named = await requireCommit(site, input.arguments[0] ?? "");
  const { request, recorded } = await findPair(site, named, input.arguments[0] ?? "");
  const look = await site.repository.look();
  const contract = await contractFor(call, site, look);
  const wired = await wireRehearsal(site, env, contract, request, input.directory, input.value("script"));
  if (!wired) throw new Fault(words.noScript(request.state));
  try {
    const rehearsed = await rehearse({ ...wired.parts, contract, look, request });
    const code = wired.stopped();
    if (code !== undefined) return code;
    const replay = await compare(site, request, recorded, rehearsed);
    if (input.has("json")) printJson(terminal, replay);
    else reportReplay(terminal, replay);
    return replay.sameState && replay.files.length === 0 ? EXIT.done : EXIT.failed;
  } finally {
    await wired.dispose();
  }
};

/** A request with its recorded answer, from either of the two. */
async function findPair(
  site: Site,
  named: Commit,
  name: string,
): Promise<{ request: Request; recorded: Commit }> {
  const answered = answeredBy(named);
  const id = answered ?? named.commit;
  const trail = await readTrail(site.place, id, DEPTH);
  const found = askedAt(new Map(trail.map((commit) => [commit.commit, commit])), id);
  if (!found || isReservedState(found.asked.state)) throw new Fault(words.noRequestBelow(name));
  const { asked } = found;
  // Approvals stand above what they approve, and the run began at them.
  const request = { ...asked, commit: id, message: asked.message };
  const pairedWith = (recorded: Commit) => {
    const { branch } = ownReading(recorded) as Partial<Request>;
    // A request that names no branch was run on the one that answered it.
    return { request: { ...request, branch: branch ?? request.branch }, recorded };
  };
  if (answered) return pairedWith(named);
  const search = ["--fixed-strings", `--grep=Answers: ${id}`, "--glob=refs/trailhand/parked/*"];
  const answers = (await readPile(site, search)).commits.filter((commit) => answeredBy(commit) === id);
  const own = answers.find((commit) => commit.message.includes(`\nBranch: ${request.branch}\n`));
  const recorded = own ?? answers[0];
  if (!recorded) throw new Fault(words.noAnswerYet(id));
  return pairedWith(recorded);
}

/** The trusted contract, with the workflow of the work tree where one is given. */
async function contractFor({ input }: Call, site: Site, look: Look): Promise<Contract> {
  const named = input.value("workflow");
  if (named === undefined) return usableContract(site, look.target, look.heads);
  const trusted: ReadContract = await site.contract(look.target, look.heads);
  const { workflow, problems } = readTried(input.directory, named, trusted);
  if (!workflow || problems.length > 0)
    throw new Fault(words.brokenWorkflow(named, formatProblems(problems)));
  return { ...trusted, target: look.target, workflow, blob: undefined };
}

async function compare(
  site: Site,
  request: Request,
  recorded: Commit,
  { outcome, answer, log }: Rehearsed,
): Promise<Replay> {
  const was = stateIn(recorded);
  const now = answer?.state;
  const [before, after] = [comparable(recorded.message), answer ? comparable(answer.message) : ""];
  return {
    request: request.commit,
    recorded: recorded.commit,
    branch: request.branch,
    asked: request.state,
    state: { was, now },
    sameState: was === now,
    why: "why" in outcome ? outcome.why : undefined,
    log: outcome.kind === "answer" ? undefined : log,
    measured: measured(recorded.message, answer?.message ?? ""),
    message: { was: before, now: after, diff: await diffTexts(site.place.git, before, after) },
    files: answer ? await readFileChanges(site.place.git, recorded.commit, answer.tree) : [],
  };
}
