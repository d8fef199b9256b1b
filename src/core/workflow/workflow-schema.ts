/**
 * The schema of `states/workflow.yml`: keys, defaults, and the description of each key.
 *
 * Invariants:
 * - An unknown key is an error.
 * - docs/workflow.md is generated from the descriptions.
 */
import * as z from "zod";
import { DEFAULT_PREFIX } from "../protocol/refs.ts";
import {
  accounts,
  botId,
  broughtPaths,
  machineFiles,
  filterDrivers,
  amount,
  count,
  duration,
  lane,
  list,
  name,
  prefix,
  variable,
  wanted,
} from "./schema-values.ts";
import { sandbox, stateSchema } from "./state-schema.ts";

/** A lane: its capacity, quotas and opening hours. A bare number in the file means `slots`. */
export const laneSchema = z.strictObject({
  slots: count(1, 1000).optional().describe("How many slots the lane has. Unlimited by default."),
  runs: count(1, 1000).optional().describe("How many attempts may start within the window."),
  tokens: amount.optional().describe("No attempt starts after this many tokens were used within the window."),
  cost: amount.optional().describe("No attempt starts after this many USD were spent within the window."),
  window: duration.prefault("1h").describe("The period over which `runs`, `tokens` and `cost` are counted."),
  open: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, { error: "write it as 22:00-06:00, in UTC" })
    .optional()
    .describe("The hours of the day, in UTC, in which attempts may start."),
  closes: z
    .boolean()
    .default(false)
    .describe(
      "If a script of this lane asks to be retried later, nothing else starts in the lane until then. For rate limits of a provider. Not related to `closes` of a state.",
    ),
});

export const limitsSchema = z.strictObject({
  hops: count(1, 10_000)
    .optional()
    .describe("The maximum number of hand-offs in a row without a person. Default: 50."),
  concurrency: count(1, 256)
    .optional()
    .describe("The maximum number of attempts that one runner runs in parallel. Default: 4."),
  cost: amount.optional().describe("How many USD one piece of work may spend over all its attempts."),
  tokens: amount.optional().describe("How many tokens it may use."),
  turns: amount.optional().describe("How many agent turns it may use."),
  time: duration.optional().describe("How long all its attempts together may take."),
  same: count(2, 1000)
    .default(10)
    .describe("Work parks instead of entering one state this many times with identical files."),
  ageing: duration
    .prefault("1h")
    .describe("For each such period of waiting, a request gains one point of `Priority`."),
  wait: duration.prefault("30d").describe("How long a request waits for its `Depends-On` before it parks."),
});

export const agentSchema = z.strictObject({
  run: z
    .union([
      z
        .string()
        .min(1)
        .transform((text) => text.trim().split(/\s+/)),
      z.array(z.string().min(1)).min(1),
    ])
    .describe("The program and its arguments. It reads the prompt from standard input."),
  env: z
    .array(variable)
    .default([])
    .describe(
      "Names of the runner's environment variables that the agent may see, besides those of the state. See [what is redacted](#what-a-script-receives).",
    ),
  files: machineFiles
    .default([])
    .describe("Files and folders of the machine that the agent may read, such as those of its login."),
});

export const workflowSchema = z.strictObject({
  start: z
    .union([name.transform((one) => [one]), z.array(name)])
    .optional()
    .describe(
      "The states in which work usually starts. Default: the first state. Not enforced: only `graph` and the check for states that cannot be reached use it.",
    ),
  branches: z
    .array(z.string().min(1))
    .default(["**"])
    .describe("Globs of the branches on which requests run. A glob that starts with `!` excludes branches."),
  "on-plain-commit": z
    .enum(["park", "continue"])
    .default("park")
    .describe(
      "What happens when a person commits without `State` on top of unfinished work: `park` waits for `trailhand resume`, `continue` requests the same state again.",
    ),
  target: z
    .enum(["ignore", "work"])
    .default("ignore")
    .describe("Whether requests on the trusted branch itself run (`work`) or not (`ignore`)."),
  limits: limitsSchema.prefault({}).describe("Limits for each piece of work and for each runner."),
  refs: z
    .strictObject({
      prefix: prefix
        .default(DEFAULT_PREFIX)
        .describe(
          "The prefix of leases and other side refs at a remote, for hosts that accept only branches and tags.",
        ),
    })
    .prefault({})
    .describe("Names of refs: `prefix`, the prefix of side refs at a remote (default: `refs/trailhand`)."),
  lanes: z
    .record(lane, z.union([count(1, 1000).transform((slots) => laneSchema.parse({ slots })), laneSchema]))
    .prefault({})
    .describe(
      "For each lane a number of slots, or a map of the keys below. Without `lanes`, every lane is unlimited. Once you list one, list every lane that a state names. Only `default` may be missing and is then unlimited.",
    ),
  people: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]*$/, wanted("a role name in lower-case letters")),
      z.array(z.string().includes("@", wanted("an address such as ann@example.com"))),
    )
    .default({})
    .describe("Roles for `by` and approvals, each with the e-mail addresses of its people."),
  proof: z
    .enum(["author", "signature", "pusher"])
    .default("author")
    .describe(
      "How people are identified: by the author's address, by a signature with a key in `states/allowed_signers`, or by the GitHub account that pushed.",
    ),
  "on-behalf": accounts
    .default([])
    .describe(
      "With `proof: pusher`: ids of accounts, such as the App's, that may push commits in other people's names. Responses that they push count as a runner's.",
    ),
  bots: z
    .record(botId, z.enum(["read", "triage", "write", "maintain"]))
    .default({})
    .describe(
      "The bots whose commands on GitHub are accepted: the account id, and the permission level of the bot.",
    ),
  agents: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, wanted("a name in lower-case letters")), agentSchema)
    .default({})
    .describe(
      "The programs that answer prompts. If `default` is not listed, it is the command in TRAILHAND_AGENT.",
    ),
  bring: broughtPaths
    .default([])
    .describe(
      "Files that git ignores, such as `.env`, that each attempt gets a copy of. They come from your clone; at a remote, from the folder that `trailhand doctor` names. They never become part of a commit.",
    ),
  filters: filterDrivers
    .default([])
    .describe(
      "Filter drivers of your git configuration, such as `lfs`, whose programs may run in attempts. An attempt that changes a file of any other driver fails.",
    ),
  files: machineFiles
    .default([])
    .describe(
      "Files and folders of the machine that attempts may read in [the sandbox](security.md), such as `~/.npmrc`. What looks like a secret in them is redacted. Agents may list their own.",
    ),
  sandbox: sandbox
    .default("files")
    .describe(
      "`files`: where bubblewrap works, attempts see no other files and processes of the user, see [the sandbox](security.md). `off`: they run as plain programs of the user.",
    ),
  submodules: z
    .boolean()
    .default(false)
    .describe(
      "Whether attempts start with their submodules filled, also nested ones. The addresses are those in `.gitmodules` of the trusted branch. By default they start empty.",
    ),
  sign: z
    .boolean()
    .default(false)
    .describe(
      "Sign every commit that Trailhand puts on a branch, with the key of the runner's git configuration. See [signed commits](#signed-commits).",
    ),
  evidence: z
    .record(name, list)
    .default({})
    .describe(
      "For each state, the evidence that the branch's present files must have before work may enter it, such as `done: [tests]`.",
    ),
  states: z.record(name, stateSchema).describe("The states, in the order in which `graph` draws them."),
});

/** The file with all defaults filled in. */
export type WorkflowFile = z.infer<typeof workflowSchema>;
