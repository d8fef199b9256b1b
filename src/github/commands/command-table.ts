/**
 * All comment commands, in the order of the help, and the pages made from them.
 *
 * Each command stands in a file of its own under `verbs/`.
 */
import { suggest } from "../../core/util/suggest.ts";
import type { CommentCommand } from "./comment-command.ts";
import { approve } from "./verbs/approve.ts";
import { assign } from "./verbs/assign.ts";
import { cancel } from "./verbs/cancel.ts";
import { cost } from "./verbs/cost.ts";
import { helpCommand } from "./verbs/help.ts";
import { hold } from "./verbs/hold.ts";
import { log } from "./verbs/log.ts";
import { output } from "./verbs/output.ts";
import { priority } from "./verbs/priority.ts";
import { reject } from "./verbs/reject.ts";
import { replay } from "./verbs/replay.ts";
import { request } from "./verbs/request.ts";
import { resume } from "./verbs/resume.ts";
import { retry } from "./verbs/retry.ts";
import { status } from "./verbs/status.ts";

const ALL: readonly CommentCommand[] = [
  request,
  approve,
  reject,
  retry,
  resume,
  cancel,
  hold,
  assign,
  priority,
  status,
  log,
  output,
  cost,
  helpCommand(commandTable),
  replay,
];

/** The commands that the help lists. */
export const COMMANDS: readonly CommentCommand[] = ALL.filter(({ isHidden = false }) => !isHidden);

/** The command of a name or an alias, hidden ones included. */
export const findCommand = (name: string): CommentCommand | undefined =>
  ALL.find((command) => command.name === name || command.aliases?.includes(name));

/** The listed command whose name is nearest to a mistyped one. */
export const nearestCommand = (name: string): string | undefined =>
  suggest(
    name,
    COMMANDS.map((command) => command.name),
  );

export const exampleOf = ({ example, name }: CommentCommand): string => example ?? name;

/** The commands as a Markdown table, for the help and for the reference. */
export function commandTable(): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
  const rows = COMMANDS.map((command) => {
    const forms = command.usage.split(", or ").map((form) => `\`/${form}\``);
    return `| ${forms.join(" or ")} | ${command.right} | ${cell(command.summary)} | \`/${exampleOf(command)}\` |`;
  });
  return ["| command | right | effect | example |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

export function renderCommandPage(): string {
  return `# Commands in comments

Generated from \`src/github/commands/command-table.ts\`. The comment \`/help\` shows the same table.

${commandTable()}

Write a command alone on its line, starting in the first column. It can stand in a comment, a review, an
inline comment, or the text of a new issue or pull request. If the App is called \`trailhand\`,
\`@trailhand status\` at the start of a line is the same as \`/status\`.

- **Right**: the lowest right in this repository that allows the command: read, triage, write, maintain or
  admin. Each right includes those before it. Trailhand asks GitHub for your right when it runs the command.
- **What does not count**: code, quotes, HTML, text inside lists, mentions within a sentence, and edited
  comments. To correct a command, write a new comment.
- **Branch**: a command on an issue applies to the branch \`trailhand/issue-<n>\`. A command on a pull request
  applies to the branch of the pull request. Branches of forks are refused.
- **Approvals**: \`/approve\` needs the full id of the commit, so that the commit cannot be replaced
  unnoticed. An approving review does the same for the commit that was reviewed.
- **Typing errors**: Trailhand answers a nearly correct command with the nearest one, once. It ignores other
  words, because they may belong to another bot.
- **Limit**: one person can run 30 commands an hour in one repository. Further commands are refused.
- **Bots**: a bot can run commands only if the workflow lists its account number and its right under \`bots\`.
`;
}
