/** `trailhand fork`: a new branch at any commit of a run, to try the same work another way. */
import { draftFork } from "../../core/analysis/fork.ts";
import { findLatestRequest } from "../../core/analysis/hand-off-report.ts";
import { parseBranch } from "../../core/protocol/ids.ts";
import { originOf } from "../../core/protocol/authorship.ts";
import { isReservedState } from "../../core/workflow/workflow.ts";
import { UserError, EXIT_CODE, MESSAGES } from "../../core/messages/messages.ts";
import { readTrail } from "../../git/local-repository.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { parseTrailerOption } from "../../app/parse-trailer-option.ts";
import { writeRequest } from "../../app/write-request.ts";
import { report } from "./request.ts";
import { requireState } from "../../app/request.ts";
import { requireCommit } from "./show.ts";
import { DEPTH } from "../../engine/timing.ts";

export const run: CommandRun = async ({ input, terminal, env }) => {
  const [name = "", wanted = ""] = input.arguments;
  const site = await openWorkspace(input.directory, env);
  const branch = parseBranch(wanted);
  if (!branch) throw new UserError(MESSAGES.badBranch(wanted));
  const [at, look] = await Promise.all([requireCommit(site, name), site.repository.listRefs()]);
  if (look.heads.some((head) => head.branch === branch)) throw new UserError(MESSAGES.branchExists(branch));
  const trail = await readTrail(site.location, at.commit, DEPTH.request);
  const request = findLatestRequest(trail, (state) => !isReservedState(state));
  if (!request) throw new UserError(MESSAGES.noRequestBelow(name));
  const contract = await site.trustedConfig(look.target, look.heads);
  const state = requireState(contract, look.target, input.value("state") ?? request.state, undefined);
  const { header, body, trailers } = draftFork({
    at,
    request,
    origin: originOf(request, trail.slice(trail.findIndex(({ commit }) => commit === request.commit))),
    messages: input.values("message"),
    trailers: input.values("trailer").map(parseTrailerOption),
  });
  const commit = await writeRequest(site, {
    branch,
    parent: at.commit,
    expected: null,
    state,
    key: request.key,
    messages: [header, ...(body === undefined ? [] : [body])],
    trailers,
  });
  const next = contract.workflow.states[state]?.human ? "trailhand status --needs-me" : undefined;
  report(terminal, input.has("json"), { branch, state, commit }, next);
  return EXIT_CODE.done;
};
