/**
 * The GitHub Actions workflow and the commands of `trailhand init --github`.
 *
 * Invariants:
 * - The workflow runs no code of a fork, and passes no text of an event to a script.
 * - It requests only the permissions that it uses.
 * - The action is pinned to a full commit id, because a tag can be moved.
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

/** A placeholder for the action and the commit that the user has reviewed. */
const UNKNOWN = "trailhand/trailhand@COMMIT";

/** The action by `owner/name@<full commit id>`. Throws a UserError for any other form. */
export function readUses(text: string | undefined): { readonly uses: string; readonly known: boolean } {
  if (text === undefined) return { uses: UNKNOWN, known: false };
  if (!/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/.test(text)) throw new UserError(MESSAGES.badUses(text));
  return { uses: text, known: true };
}

/** The workflow file with this action. */
export function actionsFile(uses: string): StarterFile {
  return { path: ACTIONS_FILE, text: WORKFLOW.replace("%USES%", () => uses), executable: false };
}

const WORKFLOW = `# Trailhand without a server: handles the event, then runs all pending requests.
# Written by: trailhand init --github
name: trailhand
on:
  push:
    branches: ["**"]
  issues:
    types: [opened, labeled, closed, reopened]
  issue_comment:
    types: [created]
  # Only the payload is read. Code of a fork is never fetched or run.
  pull_request:
    types: [opened, reopened, synchronize, closed]
  pull_request_review:
    types: [submitted]
  pull_request_review_comment:
    types: [created]
  check_run:
    types: [completed]
  # Finds lost events: polls all branches.
  schedule:
    - cron: "17 * * * *"
  workflow_dispatch:

permissions: {}

# GitHub keeps one waiting run for each group and cancels earlier ones. Every run reads all branches, so a
# push or the timer may be cancelled: the last run does the work. A comment, label or review exists only in
# its event, so each has its own group and is never cancelled. Parallel runs are safe: a request is claimed
# once.
concurrency:
  group: trailhand-\${{ contains(fromJSON('["push", "schedule", "workflow_dispatch"]'), github.event_name) && 'sweep' || github.run_id }}
  cancel-in-progress: false

jobs:
  trailhand:
    # Commands begin with a slash or a mention. Other comments need no runner.
    if: github.event_name != 'issue_comment' || contains(github.event.comment.body, '/') || contains(github.event.comment.body, '@trailhand')
    runs-on: ubuntu-latest
    timeout-minutes: 60
    permissions:
      contents: write # pushes responses, leases and side refs
      issues: write # labels, reacts to, comments on and closes issues
      pull-requests: write # the same for pull requests; opens one for a state with \`pull\`
      checks: write # the check run of a branch
    steps:
      # Pinned to a full commit id, because a tag can be moved.
      - uses: %USES%
        # To pass a variable to a script, list it here and under \`env\` of its state or agent.
        # env:
        #   AGENT_API_KEY: \${{ secrets.AGENT_API_KEY }}
        # with:
        #   signed: "true" # GitHub creates and signs the commits of responses
`;

/** The labels of all states of a workflow, in order, and of the final states. */
export function labelsOf(workflow: Workflow): Label[] {
  const names = [...Object.keys(workflow.states), "done", "failed", "cancelled", "parked"];
  return names.map((name) => labelOf(name, workflow));
}

/** The commands to run after writing the file. `known`: the action is not the placeholder. */
export function stepsOnGitHub(top: string, known: boolean): string[] {
  const file = join(top, WORKFLOW_FILE);
  const isThere = existsSync(file);
  const { workflow } = isThere ? parseWorkflow(readFileSync(file, "utf8")) : {};
  return [
    ...(known
      ? []
      : [`replace ${UNKNOWN} in ${ACTIONS_FILE} with your copy of Trailhand and a full commit id`]),
    ...(isThere ? [] : [`trailhand init     # ${WORKFLOW_FILE} does not exist yet`]),
    ...(isThere && !workflow ? [`trailhand doctor     # ${WORKFLOW_FILE} is invalid`] : []),
    `git add ${ACTIONS_FILE} && git commit -m "Run Trailhand on GitHub" && git push`,
    ...(workflow ? labelsOf(workflow).map(lineOf) : []),
  ];
}

/** The command that creates a label, so people can select it before it is used. */
const lineOf = ({ name, color, description }: Label): string =>
  `gh label create ${shellWord(name)} --color ${color} --description ${shellWord(description)}`;
