/**
 * The shape of `states/workflow.yml`, its defaults, and one line for each key of its reference.
 *
 * What must hold: a key that is not here is an error; the reference page is made from here.
 */
import * as z from "zod";
import { parseDuration } from "../util/duration.ts";
import { parseBranch, parseStateName } from "../protocol/ids.ts";
import { expected, expectedOne } from "../messages/schema-errors.ts";
import { FORMS, parsePredicate } from "./wait.ts";

/** What a key of the schema says, where the name of a type would say too little. */
const wanted = (what: string) => ({ error: ({ input }: { input?: unknown }) => expected(what, input) });
const duration = z.string(wanted("a duration such as 30s, 5m or 1h30m")).transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({ code: "custom", message: `"${text}" is no duration; write 30s, 5m or 1h30m` });
  return z.NEVER;
});
/** Kinds of refs that belong to everybody. */
const ROOTS = new Set(["refs/heads", "refs/tags", "refs/remotes", "refs/notes", "refs/pull"]);
const count = (low: number, high: number) => z.int().min(low).max(high);
const name = z.string().refine((text) => parseStateName(text) !== undefined, {
  error: "a state name has lower-case letters, digits, '.', '_', '-', and at most 64 of them",
});

/** A lane's name is a part of ref names, and none of those ends in `.lock` (git-check-ref-format(1)). */
const lane = z.string().refine((text) => parseStateName(text) !== undefined && !text.endsWith(".lock"), {
  error: "a lane's name has at most 64 lower-case letters, digits, '.', '_', '-', and does not end in .lock",
});

const names = z.union([name.transform((one) => [one]), z.array(name)]);
const list = z.union([
  z
    .string()
    .min(1)
    .transform((one) => [one]),
  z.array(z.string().min(1)),
]);
const amount = z.number().positive();
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, wanted("the name of a variable"));
/** One word in place of yes and no; `yes` is text to YAML. */
const orWord = <const Word extends string>(word: Word) =>
  z.union([z.boolean(), z.enum([word], { error: ({ input }) => expectedOne([true, false, word], input) })]);

const predicate = z.string().transform((text, context) => {
  const found = parsePredicate(text);
  if (found) return found;
  context.addIssue({ code: "custom", message: `"${text}" is nothing to wait for; write ${FORMS}` });
  return z.NEVER;
});

export const stateSchema = z.strictObject({
  description: z.string().optional().describe("One line for `graph` and `status`."),
  next: names
    .prefault(["done"])
    .describe("The states that may follow. A script that names none gets the only one."),
  human: z.boolean().default(false).describe("A person answers, by a commit; nothing is run."),
  agent: z
    .string()
    .optional()
    .describe("Which of `agents` answers a prompt; the request's `Assigned-To` comes first, `default` last."),
  shadow: z
    .boolean()
    .default(false)
    .describe("Where there is a script and a prompt: run the prompt too, and keep its answer on a side ref."),
  timeout: duration.prefault("30m").describe("How long one attempt may take."),
  stall: duration
    .optional()
    .describe(
      "How long its script may neither print nor change its worktree before it is ended; no limit when left out.",
    ),
  retries: count(0, 100).default(2).describe("Further attempts after a failed one."),
  backoff: duration.prefault("2s").describe("Wait before the first retry; doubles each time, at most 10m."),
  "on-failure": name
    .optional()
    .describe("The state that follows the last failed attempt, in place of `failed`."),
  max: count(1, 10_000).optional().describe("How often work may come here without a person; then it parks."),
  "on-max": name.optional().describe("The state that follows then, in place of `parked`."),
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
      "Roles or addresses of the people who may ask for it by a commit; `[]`: only an answer may. Names of agents: whose answers may lead here.",
    ),
  wait: z
    .union([predicate.transform((one) => [one]), z.array(predicate)])
    .default([])
    .describe("What must hold before it runs; all of a list. Without a script its only `next` follows."),
  deadline: duration.optional().describe("How long it waits at the most; needed beside `wait`."),
  otherwise: name
    .optional()
    .describe(
      "The state that follows after the deadline, or when the wait can never end; needed beside `wait`.",
    ),
  writes: list.optional().describe("Globs of the paths that an attempt may change; any when left out."),
  forbid: list.default([]).describe("Globs of paths that it may not change, whatever `writes` says."),
  proves: list
    .default([])
    .describe("Names of evidence that its script may give for the tree that it leaves."),
  children: count(0, 100)
    .optional()
    .describe("The most branches that one answer may hand out; none when left out."),
  plan: z
    .boolean()
    .default(false)
    .describe("Its answer may freeze a plan, which the answers after it must follow."),
  land: z.boolean().default(false).describe("Its answer may move the trusted branch."),
  answers: names
    .prefault([])
    .describe("States of other branches whose requests its answer may answer too, as a merge queue does."),
  pull: orWord("draft")
    .default(false)
    .describe(
      "On GitHub: once work was here, its branch has a pull request; `draft`: one that is not ready.",
    ),
  closes: orWord("not-planned")
    .default(false)
    .describe(
      "On GitHub: the issue that the branch is named for is closed when work comes here, as completed or as not planned.",
    ),
  risk: z
    .record(z.string(), name)
    .optional()
    .describe("Which state follows each tier (`suggest`, `draft`, `auto`) that the script finds."),
  lane: z
    .union([lane.transform((one) => [one]), z.array(lane).min(1)])
    .prefault(["default"])
    .describe("The lanes that an attempt takes places in, all of them or none."),
  weight: count(1, 100).default(1).describe("How many places it takes in each of its lanes."),
  env: z
    .array(variable)
    .default([])
    .describe("Names of the runner's variables that this script may see; their values are redacted."),
});

/** A lane as people write it: a number of places, or more than that. */
export const laneSchema = z.strictObject({
  slots: count(1, 1000).optional().describe("How many places there are at once; any number when left out."),
  runs: count(1, 1000).optional().describe("How many attempts may begin within the window."),
  tokens: amount.optional().describe("After so many tokens within the window nothing begins."),
  cost: amount.optional().describe("After so many USD within the window nothing begins."),
  window: duration.prefault("1h").describe("The time that `runs`, `tokens` and `cost` are counted over."),
  open: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, { error: "write it as 22:00-06:00, in UTC" })
    .optional()
    .describe("The hours of each day, in UTC, at which attempts may begin."),
  closes: z
    .boolean()
    .default(false)
    .describe("A script that asks for another time closes the whole lane until then, as a rate limit does."),
});

export const limitsSchema = z.strictObject({
  hops: count(1, 10_000).optional().describe("Hand-offs in a row without a person; 50 when left out."),
  concurrency: count(1, 256).optional().describe("Attempts at once in one runner; 4 when left out."),
  cost: amount.optional().describe("USD that one piece of work may spend, over all its attempts."),
  tokens: amount.optional().describe("Tokens that it may use."),
  turns: amount.optional().describe("Turns of agents that it may use."),
  time: duration.optional().describe("How long its attempts may take together."),
  same: count(2, 1000).default(10).describe("How often one state may follow with the very same files."),
  ageing: duration.prefault("1h").describe("Waiting so long counts as one more point of `Priority`."),
  wait: duration.prefault("30d").describe("How long a `Depends-On` waits before it parks."),
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
    .describe("The program and its arguments; it reads the prompt on standard input."),
  env: z
    .array(variable)
    .default([])
    .describe("Names of the runner's variables that it may see; their values are redacted."),
});

const prefix = z
  .string()
  .refine(
    (text) => /^refs\/[^/]+\/[^/]/.test(`${text}/x`) && parseBranch(text) !== undefined && !ROOTS.has(text),
    {
      error: "a prefix is a ref name such as refs/tags/trailhand, and not a whole kind of refs",
    },
  );

const ACCOUNT = wanted("the number of an account, such as 123456");

export const workflowSchema = z.strictObject({
  start: z
    .union([name.transform((one) => [one]), z.array(name)])
    .optional()
    .describe("Where work begins; the first state when left out. Used for checks and drawings."),
  branches: z
    .array(z.string().min(1))
    .default(["**"])
    .describe("Globs of branches to look at; one that starts with `!` takes branches out."),
  "on-plain-commit": z
    .enum(["park", "continue"])
    .default("park")
    .describe("What a commit without a state on top of a hand-off means."),
  target: z
    .enum(["ignore", "work"])
    .default("ignore")
    .describe("Whether requests on the trusted branch itself are run."),
  limits: limitsSchema.prefault({}).describe("Bounds on each piece of work, and on a runner."),
  refs: z
    .strictObject({
      prefix: prefix
        .default("refs/trailhand")
        .describe(
          "Where leases and other side refs are at a remote, for hosts that refuse refs of their own kind.",
        ),
    })
    .prefault({})
    .describe("Names of refs."),
  lanes: z
    .record(lane, z.union([count(1, 1000).transform((slots) => laneSchema.parse({ slots })), laneSchema]))
    .prefault({})
    .describe("How many attempts each lane holds at once, or more; one that is not listed holds any number."),
  people: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]*$/, wanted("a role in lower-case letters")),
      z.array(z.string().includes("@", wanted("an address such as ann@example.com"))),
    )
    .default({})
    .describe("Roles, each with the addresses of its people, for `by` and approvals."),
  proof: z
    .enum(["author", "signature", "pusher"])
    .default("author")
    .describe(
      "What says who a person is: the author's address, a signature that `states/allowed_signers` knows, or the GitHub account that pushed.",
    ),
  "on-behalf": z
    .array(z.int(ACCOUNT).positive(ACCOUNT), wanted("the numbers of accounts, such as [123456]"))
    .default([])
    .describe(
      "With `proof: pusher`: numbers of the accounts whose commits speak for their authors, as the App's do, and whose answers are a runner's.",
    ),
  bots: z
    .record(
      z
        .string()
        .regex(
          /^[1-9]\d{0,14}$/,
          wanted("the number of a bot's account, as https://api.github.com/users/<name>%5Bbot%5D shows it"),
        ),
      z.enum(["read", "triage", "write", "maintain"]),
    )
    .default({})
    .describe(
      "Bots that are listened to on GitHub: the number of the account, and the right that it has here.",
    ),
  agents: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, wanted("a name in lower-case letters")), agentSchema)
    .default({})
    .describe("The programs that answer prompts. `default` is TRAILHAND_AGENT where it is not listed."),
  evidence: z
    .record(name, list)
    .default({})
    .describe("What must be proven of the very tree before a state may follow, such as `done: [tests]`."),
  states: z.record(name, stateSchema).describe("The states, in reading order."),
});

/** What the file says, with defaults. */
export type WorkflowFile = z.infer<typeof workflowSchema>;
