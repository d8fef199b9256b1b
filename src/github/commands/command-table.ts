/**
 * The commands that people write in comments: one table for the parser, the help and the reference.
 *
 * What must hold: a command is a line of its own, and names what it wants in full; a mention in prose
 * is none; a word that is near none of ours is for somebody else.
 */
import { suggest } from "../../core/util/suggest.ts";
import { commandLines } from "./markdown-lines.ts";

/** From the least to the most; each includes those before it. */
export const RIGHTS = ["none", "read", "triage", "write", "maintain", "admin"] as const;
export type Right = (typeof RIGHTS)[number];

export interface Command {
  readonly name: CommandName;
  readonly usage: string;
  /** What whoever writes it must have in the repository. */
  readonly right: Exclude<Right, "none">;
  readonly what: string;
  readonly example: string;
  /** How many words it needs. */
  readonly needs: number;
}

const SHA = "0123456789abcdef0123456789abcdef01234567";

const TABLE = {
  help: row("read", "help", 0, "Says what can be written here, and by whom."),
  status: row("read", "status", 0, "Says where the work stands, whose turn it is, and why."),
  run: row(
    "write",
    "run <state> [text], or run <agent> <agent>: text",
    1,
    "Asks for a state. With agents before a colon each of them does the text on a branch of its own.",
    "run review look at the error paths",
  ),
  retry: row("write", "retry", 0, "Asks again for the state that failed, or ends its rest."),
  stop: row(
    "write",
    "stop [why]",
    0,
    "Ends the work here, and what it handed out.",
    "stop it is done elsewhere",
  ),
  hold: row(
    "maintain",
    "hold [why], or hold off",
    0,
    "Stops everything in the repository, or lets it go on.",
    "hold a release is on its way",
  ),
  resume: row("write", "resume [text]", 0, "Goes on with parked work, or after a commit of your own."),
  approve: row(
    "write",
    "approve <full commit id>",
    1,
    "Approves exactly that commit. Any commit on top voids it.",
    `approve ${SHA}`,
  ),
  reject: row(
    "write",
    "reject <reason>",
    1,
    "Sends back what waits for you, with the reason.",
    "reject the limit is for each address, not for all",
  ),
  assign: row("write", "assign <agent>", 1, "Gives the present state to another agent.", "assign claude"),
  "set-state": row(
    "write",
    "set-state <state> [text]",
    1,
    "Moves the work to a state of the workflow.",
    "set-state review",
  ),
  priority: row(
    "triage",
    "priority <n>",
    1,
    "Sets how early it is begun, from -1000 to 1000; more is earlier.",
    "priority 10",
  ),
  cost: row("read", "cost", 0, "Says what the work has spent, and what it may."),
  log: row("read", "log", 0, "Lists the hand-offs."),
  replay: row("read", "replay", 0, "Says how to run the last answered request again, beside the history."),
} as const satisfies Record<string, Omit<Command, "name">>;

export type CommandName = keyof typeof TABLE;

/** In the order of the help. */
export const COMMANDS: readonly Command[] = Object.entries(TABLE).map(([name, one]) => ({
  name: name as CommandName,
  ...one,
}));

function row(
  right: Command["right"],
  usage: string,
  needs: number,
  what: string,
  example = usage.split(" ")[0] ?? "",
): Omit<Command, "name"> {
  return { right, usage, needs, what, example };
}

export type ParsedCommand =
  | {
      readonly kind: "command";
      readonly command: Command;
      readonly args: readonly string[];
      /** Everything behind the verb, as it was written. */
      readonly rest: string;
    }
  | { readonly kind: "unknown"; readonly word: string; readonly nearest: string };

/** More commands than this are not read from one text. */
const MOST = 10;
/** A longer line is prose. */
const LONGEST_LINE = 4000;
/** In prose that begins with a mention, more words follow. */
const SLIP_WORDS = 2;

/** The commands of a text; of its unknown verbs the first alone. `slug` is the name of the app. */
export function parseCommands(text: string, slug: string): ParsedCommand[] {
  const found: ParsedCommand[] = [];
  for (const line of commandLines(text)) {
    const parsed = line.length > LONGEST_LINE ? undefined : parseLine(line, slug);
    if (!parsed || (parsed.kind === "unknown" && found.some(({ kind }) => kind === "unknown"))) continue;
    if (found.push(parsed) === MOST) break;
  }
  return found;
}

function parseLine(line: string, slug: string): ParsedCommand | undefined {
  const words = line.trim().split(/\s+/);
  const isMention = isNamed(words[0] ?? "", slug);
  const word = isMention ? words[1] : words[0]?.startsWith("/") ? words[0].slice(1) : undefined;
  if (word === undefined || !/^[A-Za-z][A-Za-z-]{0,31}$/.test(word)) return undefined;
  const name = word.toLowerCase();
  const command = COMMANDS.find((one) => one.name === name);
  const args = words.slice(isMention ? 2 : 1);
  if (command) return { kind: "command", command, args, rest: restOf(line, isMention ? 2 : 1) };
  const near = suggest(
    name,
    COMMANDS.map((one) => one.name),
  );
  // In prose any word may follow a mention, and few begin like one of ours.
  const isSlip = near?.[0] === name[0] && args.length < SLIP_WORDS;
  return near === undefined || (isMention && !isSlip)
    ? undefined
    : { kind: "unknown", word: name, nearest: near };
}

function isNamed(word: string, slug: string): boolean {
  const name = word.replace(/[:,]$/, "").toLowerCase();
  return name === `@${slug.toLowerCase()}` || name === `@${slug.toLowerCase()}[bot]`;
}

/** What is left of a line past its first words. */
function restOf(line: string, count: number): string {
  let at = 0;
  for (let n = 0; n < count; n++) {
    while (/\s/.test(line[at] ?? "x")) at++;
    while (/\S/.test(line[at] ?? " ")) at++;
  }
  return line.slice(at).trim();
}

/** Why a command cannot be carried out as it was written; undefined: it can. */
export function usageProblem({
  command,
  args,
}: Extract<ParsedCommand, { kind: "command" }>): string | undefined {
  if (args.length >= command.needs) return undefined;
  return `\`/${command.name}\` needs more: \`/${command.usage}\`. For example: \`/${command.example}\``;
}

/** The table, for the help and for the reference. */
export function commandTable(): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
  const rows = COMMANDS.map(({ usage, right, what, example }) => {
    const forms = usage.split(", or ").map((form) => `\`/${form}\``);
    return `| ${forms.join(" or ")} | ${right} | ${cell(what)} | \`/${example}\` |`;
  });
  return ["| write | right | what it does | example |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

export function renderCommandPage(): string {
  return `# Commands in comments

Made from the table in \`src/github/commands/command-table.ts\`; \`/help\` in a comment shows the same.

${commandTable()}

Write a command alone on its line, from the first column, in a comment, a review, an inline comment or
the text of a new issue or pull request. \`@trailhand status\` at the start of a line is the same as
\`/status\`, where the app is called \`trailhand\`.

- **Right** is what GitHub says of you in this repository at that moment: read, triage, write, maintain,
  admin, each with those before it. What a comment, a commit or a name says of you counts for nothing.
- Code, quotes, HTML and what is inside of lists are never commands. Nor is a mention in prose, or a
  comment that is edited: write a new one.
- A command on an issue works on the branch \`trailhand/issue-<n>\`; on a pull request, on its own branch.
  The branch of a fork is never worked on.
- \`/approve\` takes the full id of the commit, so that nothing can be slipped under it. A review that
  approves is the same for the commit that it was written for.
- A verb that is nearly one of these is answered once with the nearest. Any other is left to other bots.
- Thirty commands an hour from one person in one repository; more are refused until the hour is over.
- A bot is heard only where the workflow lists the number of its account under \`bots\`, with its right.
`;
}
