/** Follows one commit through the program and prints its form at each step. */
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
import { comparePage, json } from "./walk-page.ts";

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

test("docs/walks/commit-to-answer.md shows what a commit becomes", async () => {
  const repo = makeRepo({ "states/implement": "#!/bin/sh\n", "states/workflow.yml": WORKFLOW });
  repo.git("switch", "-qc", "feat/login");
  const commit = repo.request(REQUEST);
  const site = await openWorkspace(repo.dir, environmentOf(repo));
  const look = await site.repository.listRefs();
  const contract = await site.trustedConfig(look.target, look.heads);
  const view: Snapshot = { ...look, leases: new Map(), slots: new Map(), takeovers: new Map(), firstSightings: new Map(), runningAttempts: new Map(), facts: NO_HISTORY_FACTS };
  const head = view.heads.find(({ branch }) => branch === "feat/login");
  const now = { mono: 0, wall: 0 };
  const decisions = decide(view, contract.workflow, now);
  const runs = decisions.filter((one) => one.kind === "run");
  const { runs: admitted } = admit(view, contract.workflow, runs, now);
  const [run] = admitted;
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
  comparePage(
    {
      file: "docs/walks/commit-to-answer.md",
      title: "From a commit to its answer",
      intro: "One commit asks for the state `implement`. A runner finds it, claims it, runs the script and writes the answer.",
      madeBy: "test/docs/walk-commit.test.ts",
      steps: [
        { title: "A person commits", text: "With plain git, or with `trailhand request`.", block: REQUEST },
        {
          title: "The runner reads all refs",
          text: "`src/git/read-refs.ts` runs one `git for-each-ref` for every branch and lease. `<key>` is a hash of the branch name.",
          block: json({ branch: head.branch, commit: head.commit, key: head.key }),
        },
        {
          title: "The head is read as a request",
          text: "`src/core/protocol/request.ts` reads the trailers that `src/core/protocol/trailer-block.ts` found by git's rules.",
          block: json({ kind: asked.kind, state: asked.state, hops: asked.hops, priority: asked.priority, message: asked.message }),
        },
        {
          title: "One decision for each branch",
          text: "`src/core/scheduling/decide.ts` is a pure function. `trailhand run --dry-run` prints its result.",
          block: json(
            decisions.map((one) => ({ branch: one.head.branch, kind: one.kind, ...("why" in one ? { why: one.why } : { attempt: "attempt" in one ? one.attempt : 0 }) })),
          ),
        },
        {
          title: "Is there a free slot?",
          text: "`src/core/scheduling/admission.ts` orders the requests and fills the slots of lanes and runner.",
          block: json({ admitted: admitted.map(({ head: { branch } }) => branch) }),
        },
        {
          title: "The claim",
          text: "`src/engine/attempt/lease-holder.ts` creates this commit as `refs/trailhand/leases/<key>`. `src/git/swap-refs.ts` creates the ref only if it does not exist. Then the head is read again.",
          block: lease,
        },
        {
          title: "The attempt",
          text: "`src/git/attempt/attempt-store.ts` makes a repository for the attempt, with the branch of the request checked out. `src/process/script-runner.ts` runs `states/implement` of the trusted branch in it. The script writes to `$TRAILHAND_OUTPUT`.",
          block: OUTPUT,
        },
        {
          title: "The outcome",
          text: "`src/core/outcome/outcome.ts` turns exit code and output into one outcome: answer, later, failed or stopped. [More about this step](script-to-answer.md).",
          block: json(outcome),
        },
        {
          title: "The response",
          text: "`src/core/outcome/response.ts` drafts the message. `src/core/protocol/compose.ts` writes it, and checks that git reads it back unchanged.",
          block: response,
        },
        {
          title: "One swap",
          text: "`src/engine/attempt/commit-result.ts` moves the branch from the request to the response and deletes the lease. git does both or neither.",
          block: "update refs/heads/feat/login <response> <request>\ndelete refs/trailhand/leases/<key> <lease>",
        },
      ],
    },
    (page) => page.replaceAll(commit, "<request>").replaceAll(head.key, "<key>").replace(/\b[0-9a-f]{40}\b/g, "<id>"),
  );
});
