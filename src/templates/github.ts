/**
 * What `trailhand init --github` writes, and what it plans: the workflow of GitHub Actions, and the
 * labels that name states.
 *
 * What must hold: the workflow runs nothing of a fork, puts nothing of an event into a script, and
 * asks for no more than is used; an action is named by the full id of a commit, because whoever may
 * move a tag may change what runs.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseWorkflow } from "../core/workflow/workflow-file.ts";
import { WORKFLOW_FILE, type Workflow } from "../core/workflow/workflow.ts";
import { UserError, shellWord, MESSAGES } from "../core/messages/messages.ts";
import { labelOf } from "../github/display/issue-links.ts";
import type { Label } from "../github/display/desired-state.ts";
import type { StarterFile } from "./starter.ts";

export const ACTIONS_FILE = ".github/workflows/trailhand.yml";

/** To be replaced by hand: only who writes the file knows which commit they have looked at. */
const UNKNOWN = "trailhand/trailhand@COMMIT";

/** The action by `owner/name@<full commit id>`. Throws a Fault when it is named otherwise. */
export function readUses(text: string | undefined): { readonly uses: string; readonly known: boolean } {
  if (text === undefined) return { uses: UNKNOWN, known: false };
  if (!/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/.test(text)) throw new UserError(MESSAGES.badUses(text));
  return { uses: text, known: true };
}

/** The workflow file for a repository of somebody else. */
export function actionsFile(uses: string): StarterFile {
  return { path: ACTIONS_FILE, text: WORKFLOW.replace("%USES%", () => uses), executable: false };
}

const WORKFLOW = `# Trailhand without a server: what an event asks for is carried out, and hand-offs are worked off
# until nothing is runnable. Written by: trailhand init --github
name: trailhand
on:
  push:
    branches: ["**"]
  issues:
    types: [opened, labeled, closed, reopened]
  issue_comment:
    types: [created]
  # Its payload is data. What a fork proposes is never fetched and never run.
  pull_request:
    types: [opened, reopened, synchronize, closed]
  pull_request_review:
    types: [submitted]
  pull_request_review_comment:
    types: [created]
  check_run:
    types: [completed]
  # The net under everything: a sweep of all branches.
  schedule:
    - cron: "17 * * * *"
  workflow_dispatch:

permissions: {}

# Of a group, GitHub keeps one run that waits, and drops the one that waited before it. A push and the
# timer only say "look": each run looks at all branches, so the last of them does the work of those
# that were dropped. What a comment, a label or a review says is nowhere else: each of those has a
# group of its own and is never dropped. Runs side by side are safe: each request is claimed once.
concurrency:
  group: trailhand-\${{ contains(fromJSON('["push", "schedule", "workflow_dispatch"]'), github.event_name) && 'sweep' || github.run_id }}
  cancel-in-progress: false

jobs:
  trailhand:
    # A person's commands begin with a slash or a mention; other comments need no runner.
    if: github.event_name != 'issue_comment' || contains(github.event.comment.body, '/') || contains(github.event.comment.body, '@trailhand')
    runs-on: ubuntu-latest
    timeout-minutes: 60
    permissions:
      contents: write # answers, claims and side refs are pushed
      issues: write # labels, reactions and comments of an issue; it is closed with its work
      pull-requests: write # the same on a pull request; one is opened where a state says \`pull\`
      checks: write # the check run of a branch
    steps:
      # By the full id of a commit, because a tag can be moved.
      - uses: %USES%
        # What a script may see is named twice: here, and under \`env\` of its state or agent.
        # env:
        #   AGENT_API_KEY: \${{ secrets.AGENT_API_KEY }}
        # with:
        #   signed: "true" # GitHub makes the commits of answers, and signs them
`;

/** The label of each state of a workflow, in its order, and of the ends of work. */
export function labelsOf(workflow: Workflow): Label[] {
  const names = [...Object.keys(workflow.states), "done", "failed", "cancelled", "parked"];
  return names.map((name) => labelOf(name, workflow));
}

/** What to type once the workflow file is there. `known`: it names the action in full. */
export function stepsOnGitHub(top: string, known: boolean): string[] {
  const file = join(top, WORKFLOW_FILE);
  const isThere = existsSync(file);
  const { workflow } = isThere ? parseWorkflow(readFileSync(file, "utf8")) : {};
  return [
    ...(known
      ? []
      : [
          `put your copy of Trailhand, and the full id of a commit, in the place of ${UNKNOWN} in ${ACTIONS_FILE}`,
        ]),
    ...(isThere ? [] : [`trailhand init     # there is no ${WORKFLOW_FILE} yet`]),
    ...(isThere && !workflow ? [`trailhand doctor     # ${WORKFLOW_FILE} cannot be used as it is`] : []),
    `git add ${ACTIONS_FILE} && git commit -m "Run Trailhand on GitHub" && git push`,
    ...(workflow ? labelsOf(workflow).map(lineOf) : []),
  ];
}

/** GitHub's own command makes a label before anything bears it, so that people can choose it. */
const lineOf = ({ name, color, description }: Label): string =>
  `gh label create ${shellWord(name)} --color ${color} --description ${shellWord(description)}`;
