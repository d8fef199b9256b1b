/** Follows one key of the workflow to the file that enforces it, and lists that file for every key. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { MESSAGES } from "../../src/core/messages/messages.ts";
import { decideOutcome } from "../../src/core/outcome/outcome.ts";
import { readOutput } from "../../src/core/outcome/output.ts";
import { pathsOutside } from "../../src/core/workflow/paths.ts";
import { parseWorkflow } from "../../src/core/workflow/workflow-file.ts";
import { stateSchema } from "../../src/core/workflow/state-schema.ts";
import { agentSchema, laneSchema, limitsSchema, workflowSchema } from "../../src/core/workflow/workflow-schema.ts";
import { comparePage, json } from "./walk-page.ts";

const GROUPS = [
  ["at the top", workflowSchema],
  ["below `limits`", limitsSchema],
  ["below each state", stateSchema],
  ["below each lane", laneSchema],
  ["below each agent", agentSchema],
] as const;

/** For each file the keys that it enforces, in the order of GROUPS. */
const ENFORCED: Readonly<Record<(typeof GROUPS)[number][0], Readonly<Record<string, readonly string[]>>>> = {
  "at the top": {
    "src/core/workflow/graph.ts": ["start"],
    "src/core/scheduling/decide.ts": ["branches", "on-plain-commit", "target"],
    "src/app/open-remote.ts": ["refs"],
    "src/core/policy/people.ts": ["people"],
    "src/engine/identity-proof.ts": ["proof", "on-behalf"],
    "src/github/commands/permission.ts": ["bots"],
    "src/core/outcome/prompt.ts": ["agents"],
    "src/git/attempt/attempt-store.ts": ["bring"],
    "src/git/attempt/fill-tree.ts": ["filters", "submodules"],
    "src/process/script-runner.ts": ["sandbox", "files"],
    "src/core/policy/evidence.ts": ["evidence"],
    "src/app/create-runner.ts": ["sign"],
    "src/core/scheduling/admission.ts": ["lanes"],
    "src/core/workflow/workflow.ts": ["states", "limits"],
  },
  "below `limits`": {
    "src/core/scheduling/decide.ts": ["hops"],
    "src/engine/loop/select-work.ts": ["concurrency"],
    "src/core/policy/budget.ts": ["cost", "tokens", "turns", "time", "same"],
    "src/core/scheduling/admission.ts": ["ageing"],
    "src/core/scheduling/waits.ts": ["wait"],
  },
  "below each state": {
    "src/core/workflow/graph.ts": ["description"],
    "src/core/workflow/workflow.ts": ["next", "retries"],
    "src/core/scheduling/decide.ts": ["human"],
    "src/core/outcome/prompt.ts": ["agent"],
    "src/engine/attempt/execute.ts": ["shadow", "timeout", "stall", "env", "sandbox"],
    "src/git/attempt/sparse-checkout.ts": ["checkout"],
    "src/core/outcome/outcome.ts": ["backoff"],
    "src/engine/attempt/finalize.ts": ["on-failure"],
    "src/core/policy/budget.ts": ["max", "on-max"],
    "src/core/policy/authorization.ts": ["by"],
    "src/core/scheduling/waits.ts": ["wait", "deadline", "otherwise"],
    "src/engine/attempt/validate-result.ts": ["writes", "forbid", "proves", "land"],
    "src/core/outcome/create-children.ts": ["children"],
    "src/core/workflow/plan.ts": ["plan"],
    "src/engine/attempt/batch.ts": ["answers"],
    "src/github/display/pull-request.ts": ["pull", "closes"],
    "src/core/outcome/transitions.ts": ["risk"],
    "src/core/scheduling/admission.ts": ["lane", "weight"],
  },
  "below each lane": {
    "src/core/scheduling/admission.ts": ["slots"],
    "src/core/scheduling/quotas.ts": ["runs", "tokens", "cost", "window", "open"],
    "src/engine/attempt/finalize-backoff.ts": ["closes"],
  },
  "below each agent": {
    "src/process/agent-program.ts": ["run"],
    "src/process/script-runner.ts": ["files"],
    "src/engine/attempt/execute.ts": ["env"],
  },
};

const WORKFLOW = `states:
  implement: { next: review, writes: src }
  review: { human: true, next: done }
`;

const CHANGED = ["src/limit.js", "limit.js"];

test.each(GROUPS)("every key %s has a file that enforces it", (group, schema) => {
  const listed = Object.values(ENFORCED[group]).flat();
  expect(listed.toSorted()).toEqual(Object.keys(schema.shape).toSorted());
  for (const [file, keys] of Object.entries(ENFORCED[group])) {
    const text = readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), "utf8");
    for (const key of keys) expect(new RegExp(`\\b${key}\\b`).test(text), `${file} mentions ${key}`).toBe(true);
  }
});

function keyTable(): string {
  const rows = GROUPS.flatMap(([group]) =>
    Object.entries(ENFORCED[group]).map(
      ([file, keys]) => `| ${group} | ${keys.map((key) => `\`${key}\``).join(", ")} | \`${file}\` |`,
    ),
  );
  return ["| group | keys | file |", "| --- | --- | --- |", ...rows].join("\n");
}

test("docs/walks/workflow-key.md shows how a key is enforced", () => {
  const { workflow } = parseWorkflow(WORKFLOW);
  const globs = workflow?.states["implement"]?.writes ?? [];
  const outside = pathsOutside(CHANGED, globs);
  const fault = MESSAGES.pathsForbidden("implement", outside);
  const outcome = decideOutcome(["review"], { kind: "exited", code: 0 }, readOutput(""), fault);
  comparePage(
    {
      file: "docs/walks/workflow-key.md",
      title: "From a workflow key to the file that enforces it",
      intro: "The key `writes` limits the paths that a state may change. Every other key goes the same way.",
      madeBy: "test/docs/walk-workflow-key.test.ts",
      steps: [
        { title: "The workflow", text: "`states/workflow.yml` of the trusted branch.", block: WORKFLOW },
        {
          title: "The schema",
          text: "`src/core/workflow/workflow-schema.ts` declares the key, its default and this description, from which the [reference](../workflow.md#keys) is generated.",
          block: stateSchema.shape.writes.description ?? "",
        },
        {
          title: "Parsing",
          text: "`src/core/workflow/workflow-file.ts` parses the file and fills in defaults. One glob becomes a list.",
          block: json({ writes: globs }),
        },
        {
          title: "Mistakes are errors",
          text: "Each problem has a line, and nothing runs until it is fixed. `src/core/workflow/check-workflow.ts` and `src/core/workflow/check-rules.ts` find what a schema cannot see, such as a state that cannot be reached.",
          block: json(parseWorkflow(WORKFLOW.replace("writes", "write")).problems),
        },
        {
          title: "Enforcement",
          text: "After the script, `src/engine/attempt/validate-result.ts` compares the changed paths with the globs, using `src/core/workflow/paths.ts`.",
          block: json({ changed: CHANGED, outside }),
        },
        {
          title: "The result",
          text: "The attempt fails with a reason, and none of its commits reaches the branch. `test/integration/engine/workflow-rules.test.ts` runs this on a real repository.",
          block: json({ kind: outcome.kind, why: "why" in outcome ? outcome.why : "" }),
        },
        { title: "Every key and its file", text: `A test checks that each key is listed and that its file mentions it.\n\n${keyTable()}` },
      ],
    },
    (page) => page,
  );
});
