/** Follows one commit through the program and writes down what it is at each step. */
import { test } from "vitest";
import { NO_AMOUNTS, addAmounts } from "../../src/core/util/amounts.ts";
import { decide } from "../../src/core/scheduling/decide.ts";
import { composeMessage } from "../../src/core/protocol/compose.ts";
import type { Branch, RunId } from "../../src/core/protocol/ids.ts";
import { EMPTY_CARRIED_STATE, entering, formatCarriedState } from "../../src/core/workflow/carried-state.ts";
import { admit } from "../../src/core/scheduling/admission.ts";
import { formatLease } from "../../src/core/protocol/lease.ts";
import { decideOutcome } from "../../src/core/outcome/outcome.ts";
import { readOutput } from "../../src/core/outcome/output.ts";
import { draftResponse } from "../../src/core/outcome/response.ts";
import { successors } from "../../src/core/workflow/workflow.ts";
import { NO_HISTORY_FACTS, type Snapshot } from "../../src/core/scheduling/snapshot.ts";
import { openWorkspace } from "../../src/app/open-workspace.ts";
import { makeRepo } from "../support/temp-repo.ts";
import { environmentOf } from "../support/run-runner.ts";
import { compareWithFile } from "./compare.ts";

const REQUEST = `feat(auth): throttle logins

Five attempts a minute for each address.

State: implement
Refs: #12
`;

const WORKFLOW = `start: implement
states:
  implement: { next: review, retries: 2 }
  review: { human: true, next: done }
`;

const OUTPUT = "summary=Answers 429 with Retry-After.\ncost=0.12\n";

test("docs/walk.md is what a commit really becomes", async () => {
  const repo = makeRepo({ "states/implement": "#!/bin/sh\n", "states/workflow.yml": WORKFLOW });
  repo.git("switch", "-qc", "feat/login");
  const commit = repo.request(REQUEST);
  const site = await openWorkspace(repo.dir, environmentOf(repo));
  const look = await site.repository.listRefs();
  const contract = await site.trustedConfig(look.target, look.heads);
  const view: Snapshot = { ...look, leases: new Map(), slots: new Map(), takenOver: new Map(), sightings: new Map(), running: new Map(), facts: NO_HISTORY_FACTS };
  const head = view.heads.find(({ branch }) => branch === "feat/login");
  const now = { mono: 0, wall: 0 };
  const decisions = decide(view, contract.workflow, now);
  const runs = decisions.filter((one) => one.kind === "run");
  const [run] = admit(view, contract.workflow, runs, now).admitted;
  if (!run || head?.reading.kind !== "request") throw new Error("the walk found nothing to run");

  const lease = formatLease({
    branch: "feat/login" as Branch,
    request: run.request.commit,
    run: "00000000-0000-4000-8000-000000000001" as RunId,
    runner: "ann@laptop",
    attempt: run.attempt,
    ttlMs: 60_000,
    nonce: "0123456789abcdef0123456789abcdef",
    lanes: run.state?.lane ?? [],
    slots: [],
    spent: NO_AMOUNTS,
  });
  const reading = readOutput(OUTPUT);
  const outcome = decideOutcome(successors(contract.workflow, run.request.state), { kind: "exited", code: 0 }, reading);
  if (outcome.kind !== "answer") throw new Error("the walk was not answered");
  const spent = addAmounts(NO_AMOUNTS, { cost: outcome.output.cost ?? 0, time: 42_000 });
  const facts = {
    run: "00000000-0000-4000-8000-000000000001" as RunId,
    runner: "ann@laptop",
    attempt: 1,
    attempts: 3,
    tookMs: 42_000,
    hopLimit: 50,
    workflow: contract.blob,
    script: undefined,
    secrets: [],
    carried: formatCarriedState(entering({ ...EMPTY_CARRIED_STATE, spent }, outcome.state, contract.workflow)),
  };
  const response = composeMessage(draftResponse(run.request, outcome, facts));

  const { reading: asked } = head;
  const page = [
    "# The walk of one commit",
    "",
    "Made by `test/docs/walk.test.ts`, which follows one real commit through the program. Each step names the file that does it.",
    "",
    step("1. A person commits", "plain git, or `trailhand request`", REQUEST),
    step("2. A look finds the head", "`src/git/read-refs.ts`: one `git for-each-ref` for every branch and lease", show({
      branch: head.branch,
      commit: head.commit,
      key: head.key,
    })),
    step("3. What it asks for", "`src/core/protocol/request.ts`, on the trailers that `src/core/protocol/trailer-block.ts` read by git's rules", show({
      kind: asked.kind,
      state: asked.state,
      hops: asked.hops,
      priority: asked.priority,
      message: asked.message,
    })),
    step("4. What should happen", "`src/core/scheduling/decide.ts`: what `trailhand run --dry-run` prints", show(
      decisions.map((one) => ({ branch: one.head.branch, kind: one.kind, ...("why" in one ? { why: one.why } : { attempt: "attempt" in one ? one.attempt : 0 }) })),
    )),
    step("5. Is there room", "`src/core/scheduling/admission.ts`", show({ admitted: [run.head.branch], held: [] })),
    step("6. The claim", "`src/engine/attempt/lease-holder.ts` writes this commit under `refs/trailhand/leases/<key>`, by compare-and-swap in `src/git/swap-refs.ts`; then the head is read again", lease),
    step("7. The attempt", "`src/git/worktree.ts` opens a detached worktree at the request; `src/process/script-runner.ts` runs `states/implement` of the trusted branch in it. The script writes to `$TRAILHAND_OUTPUT`", OUTPUT),
    step("8. What it means", "`src/core/outcome/outcome.ts`", show({ ...outcome })),
    step("9. The answer", "`src/core/outcome/response.ts` drafts it, `src/core/protocol/compose.ts` writes it and reads it back", response),
    step("10. One swap", "`src/engine/attempt/commit-result.ts`: the branch moves from the request to the response, and the lease goes, together or not at all", [
      "start",
      "update refs/heads/feat/login <response> <request>",
      "delete refs/trailhand/leases/<key> <lease>",
      "prepare",
      "commit",
    ].join("\n")),
  ].join("\n");
  compareWithFile({ file: "docs/walk.md", make: () => mask(page, commit) });
});

const show = (value: unknown): string => JSON.stringify(value, undefined, 2);

function step(title: string, where: string, what: string): string {
  return `## ${title}\n\n${where}.\n\n\`\`\`\n${what.trimEnd()}\n\`\`\`\n`;
}

/** Ids differ from run to run: the request's is shown as one, all others as another. */
function mask(page: string, request: string): string {
  return page.replaceAll(request, "<request>").replace(/\b[0-9a-f]{40}\b/g, "<id>");
}
