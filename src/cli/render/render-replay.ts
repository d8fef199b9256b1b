/** Prints the differences between a recorded response and the one of a replay. */
import type { ReplayReport } from "../../app/replay.ts";
import { cleanLine, cleanText } from "../../core/util/redact.ts";
import { renderColumns } from "./render-table.ts";
import type { Terminal } from "./terminal.ts";

type Page = Pick<Terminal, "colors" | "print" | "say">;
type Pair = ReplayReport["state"];

const LOG_LINES = 20;

export function printReplay(page: Page, replay: ReplayReport): void {
  const { colors } = page;
  const { asked, branch, request, recorded, state, sameState, files, message } = replay;
  page.print(
    `${asked} on ${cleanLine(branch, 80)}: ${colors.yellow(request.slice(0, 9))}, answered by ${colors.yellow(recorded.slice(0, 9))}`,
  );
  const rows = [
    ["state", pair(state, sameState)],
    ...Object.entries(replay.measured).map(([name, values]) => [
      name,
      pair(values, values.was === values.now),
    ]),
    ["message", message.diff === "" ? "the same" : "differs"],
    ["files", files.length === 0 ? "the same" : `${files.length} differ`],
  ].map(([name = "", what = ""]) => [colors.dim(name), what]);
  page.print(renderColumns(rows));
  if (replay.why !== undefined) page.print(`\n${colors.red(cleanLine(replay.why, 300))}`);
  if (replay.log?.trim()) page.print(tail(replay.log));
  if (files.length > 0) page.print(`\n${fileRows(files, colors)}`);
  if (message.diff !== "") page.print(`\n${painted(message.diff, colors)}`);
  page.say(sameState && files.length === 0 ? "It would be the same answer." : "It would be another answer.");
}

const pair = ({ was, now }: Pair, isSame: boolean): string => {
  const [then, today] = [was, now].map((text) => (text === undefined ? "none" : cleanLine(text, 80)));
  return isSame ? `${then}, the same` : `${then} → ${today}`;
};

function fileRows(files: ReplayReport["files"], colors: Page["colors"]): string {
  const rows = files.map(({ path, added, removed }) => [
    `  ${/[\u0000-\u001f\u007f]/.test(path) ? JSON.stringify(path) : cleanLine(path, 200)}`,
    colors.green(added === undefined ? "binary" : `+${added}`),
    colors.red(removed === undefined ? "" : `-${removed}`),
  ]);
  return renderColumns(rows);
}

const tail = (log: string): string =>
  cleanText(log)
    .trimEnd()
    .split("\n")
    .slice(-LOG_LINES)
    .map((line) => `    ${line}`)
    .join("\n");

function painted(diff: string, colors: Page["colors"]): string {
  const lines = cleanText(diff).trimEnd().split("\n");
  return lines
    .map((line) => {
      if (line.startsWith("+")) return colors.green(line);
      return line.startsWith("-") ? colors.red(line) : line;
    })
    .join("\n");
}
