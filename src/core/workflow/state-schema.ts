/** The schema of one state in `states/workflow.yml`. */
import * as z from "zod";
import { formatDuration } from "../util/duration.ts";
import { DEFAULTS } from "./defaults.ts";
import {
  count,
  duration,
  folders,
  lane,
  list,
  name,
  names,
  orWord,
  predicate,
  variable,
} from "./schema-values.ts";

/** How far attempts are isolated. */
export const sandbox = z.enum(["files", "off"]);

export const stateSchema = z.strictObject({
  description: z.string().optional().describe("One line that `graph` and `status` print."),
  next: names
    .prefault(["done"])
    .describe("The states that may follow. If there is only one, the script need not name it."),
  human: z
    .boolean()
    .default(false)
    .describe("A person decides, and continues with a commit. No script runs."),
  agent: z
    .string()
    .optional()
    .describe(
      "The agent that answers the prompt, unless the request names another one of `agents` in `Assigned-To`. Without either, the agent in the front matter of the prompt answers, or else `default`.",
    ),
  shadow: z
    .boolean()
    .default(false)
    .describe(
      "For a state with a script and a prompt: run the prompt too, and keep its result under `refs/trailhand/shadow/`.",
    ),
  timeout: duration.prefault(formatDuration(DEFAULTS.timeoutMs)).describe("The time limit of one attempt."),
  stall: duration
    .optional()
    .describe(
      "How long a script may neither print nor change its worktree before it is killed. No limit by default.",
    ),
  retries: count(0, 100).default(2).describe("The number of further attempts after a failed one."),
  backoff: duration
    .prefault(formatDuration(DEFAULTS.backoffMs))
    .describe("The wait before the first retry. It doubles with each retry, up to 10m."),
  "on-failure": name
    .optional()
    .describe("The state that follows the last failed attempt, instead of `failed`."),
  max: count(1, 10_000)
    .optional()
    .describe(
      "The maximum number of responses that may lead to this state. Then the work parks. Any commit by a person except an approval resets the count.",
    ),
  "on-max": name.optional().describe("The state that follows when `max` is reached, instead of `parked`."),
  by: z
    .union([
      z
        .string()
        .min(1)
        .transform((one) => [one]),
      z.array(z.string().min(1)),
    ])
    .optional()
    .describe(
      "Who may request this state with a commit: roles or addresses. Scripts can always lead here if `next` allows it. Agents can too, unless you list agents: then only those. With `[]`, no one can request it, and only responses lead here.",
    ),
  wait: z
    .union([predicate.transform((one) => [one]), z.array(predicate)])
    .default([])
    .describe(
      "The conditions that must all hold before the state runs. A state without a script then moves on to its only `next`.",
    ),
  deadline: duration.optional().describe("How long the state waits. Required with `wait`."),
  otherwise: name
    .optional()
    .describe(
      "The state that follows after the deadline, or as soon as the wait can no longer succeed. Required with `wait`.",
    ),
  writes: list.optional().describe("Globs of the paths that an attempt may change. All paths by default."),
  forbid: list
    .default([])
    .describe("Globs of the paths that an attempt may not change, even if `writes` allows them."),
  proves: list
    .default([])
    .describe("Names of the evidence that the script may record for the files it leaves."),
  children: count(0, 100)
    .optional()
    .describe("The maximum number of child branches that one response may create. None by default."),
  plan: z
    .boolean()
    .default(false)
    .describe("The response may freeze a plan, which later responses must follow."),
  land: z.boolean().default(false).describe("The response may move the trusted branch too."),
  answers: names
    .prefault([])
    .describe(
      "For merge queues: states whose requests on other branches one response of this state may also answer.",
    ),
  pull: orWord("draft")
    .default(false)
    .describe(
      "On GitHub: the branch gets a pull request when work enters this state. `draft` makes it a draft.",
    ),
  closes: orWord("not-planned")
    .default(false)
    .describe(
      "On GitHub: the branch's issue is closed when work enters this state, as completed or as not planned.",
    ),
  risk: z
    .record(z.string(), name)
    .optional()
    .describe(
      "The state that follows each risk tier. You choose the names of the tiers, such as `suggest`, `draft` and `auto`, and the script must report one of them.",
    ),
  lane: z
    .union([lane.transform((one) => [one]), z.array(lane).min(1)])
    .prefault(["default"])
    .describe("The lanes in which an attempt takes slots. It takes them in all lanes or in none."),
  weight: count(1, 100).default(1).describe("The number of slots that an attempt takes in each lane."),
  env: z
    .array(variable)
    .default([])
    .describe(
      "Names of the runner's environment variables that the script may see. See [what is redacted](#what-a-script-receives).",
    ),
  checkout: folders
    .default([])
    .describe(
      "For large repositories: the only folders that attempts get, such as `packages/web`, with the files beside and above them. All by default.",
    ),
  sandbox: sandbox
    .optional()
    .describe(
      "The isolation of this state's attempts, see [the sandbox](security.md). Default: that of all states.",
    ),
});
