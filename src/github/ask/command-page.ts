/**
 * The page of the commands that comments may hold.
 *
 * What must hold: it is made from the table that the parser reads.
 */
import { commandTable } from "./command.ts";

export function renderCommandPage(): string {
  return `# Commands in comments

Made from the table in \`src/github/ask/command.ts\`; \`/help\` in a comment shows the same.

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
