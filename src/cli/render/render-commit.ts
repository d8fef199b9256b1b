/** Renders a commit as a request or a response. */
import type { CommitReading } from "../../app/show.ts";
import { renderColumns } from "./render-table.ts";
import { printable, type Colors } from "./terminal.ts";

/** Why a commit is not a request. */
const REASONS = {
  "no-state": "It asks for nothing: there is no State trailer.",
  approves: "It approves the request below it, as long as only approvals are between them.",
  merge: "It asks for nothing: a merge commit is not a request.",
  "bound-elsewhere": "It counts on another branch only.",
  "two-states": "It names two states, so it asks for neither.",
  "bad-name": "Its state is not a valid state name.",
  "bad-value": "One of its trailers cannot be read.",
  doubt: "It looks like a request, but git does not read that line as a trailer.",
};

/** The JSON document. */
export function describeCommit({ commit, message, mentioned, reading }: CommitReading): object {
  return { commit, ...message, ...mentioned, reading: describeReading(reading) };
}

function describeReading(reading: CommitReading["reading"]): object {
  if (reading.kind === "none") return reading;
  const { state, key, hops, priority, dependsOn, answers } = reading;
  const kind = answers === undefined ? "request" : "response";
  return { kind, state, key, hops, priority, dependsOn, answers };
}

export function renderCommit(reading: CommitReading, colors: Colors): string {
  const { commit, message } = reading;
  const rows = message.trailers.map(({ key, value }) => [
    `  ${colors.dim(printable(key, 30))}`,
    printable(value, 100),
  ]);
  const body = message.body.split("\n").map((line) => `  ${printable(line, 200)}`);
  return [
    `${colors.yellow(commit)}\n${colors.bold(printable(message.header, 200))}\n`,
    explain(reading, colors),
    ...(rows.length > 0 ? [`\n${renderColumns(rows)}`] : []),
    ...(message.body === "" ? [] : [`\n${body.join("\n").trimEnd()}`]),
  ].join("\n");
}

function explain({ reading, isEnd }: CommitReading, colors: Colors): string {
  if (reading.kind === "none") {
    const why = REASONS[reading.reason];
    return "detail" in reading ? `${why} (${printable(reading.detail)})` : why;
  }
  const state = colors.cyan(reading.state);
  if (reading.answers === undefined) return `A request: it asks for ${state}.`;
  const response = `A response to ${colors.yellow(reading.answers.slice(0, 10))}`;
  return isEnd ? `${response}: the work ends as ${state}.` : `${response}: ${state} is next.`;
}
