/** Renders the lines of a file below the hand-offs that they came from. */
import type { Blame, CreditedLine } from "../../core/analysis/blame.ts";
import { cleanLine, cleanText } from "../../core/util/redact.ts";
import type { Colors } from "./terminal.ts";

type Paint = Pick<Colors, "yellow" | "cyan" | "dim">;

const LONGEST = 400;

/** Adjacent lines with the same commit and hand-off share a heading. */
export function renderBlame(blame: Blame, lines: readonly CreditedLine[], paint: Paint): string {
  const width = String(lines.at(-1)?.line ?? 0).length;
  const rows: string[] = [];
  let previous: CreditedLine | undefined;
  for (const line of lines) {
    const isSame = previous?.commit === line.commit && previous.credit?.answer === line.credit?.answer;
    if (!isSame) rows.push(...(previous ? [""] : []), ...heading(blame, line, paint));
    previous = line;
    const text = cleanText(line.text.replaceAll("\r", "")).slice(0, LONGEST);
    rows.push(`  ${paint.dim(String(line.line).padStart(width))}  ${text}`.trimEnd());
  }
  return rows.join("\n");
}

function heading(
  blame: Blame,
  { commit, credit, landedFrom, missing }: CreditedLine,
  paint: Paint,
): string[] {
  const id = paint.yellow(commit.slice(0, 9));
  const by = blame.commits.get(commit);
  const landed = landedFrom === undefined ? [] : [`landed from ${cleanLine(landedFrom, 80)}`];
  if (!credit) {
    const parts = [...landed, ...(missing === undefined ? [] : [missing])];
    const more = parts.length > 0 ? `, ${parts.join(", ")}` : "";
    const who = `${cleanLine(by?.author ?? "?", 80)}${more}`;
    return [`${id} ${who}`, paint.dim(`  ${cleanLine(by?.subject ?? "", 100)}`)];
  }
  const { agent, model, runner, cost, approvedBy, asked, origin } = credit;
  const facts = [
    ...(agent === undefined ? [] : [agent]),
    ...(model === undefined ? [] : [model]),
    ...(runner === undefined ? [] : [`at ${runner}`]),
    ...(cost === undefined ? [] : [cost]),
    ...approvedBy.map((who) => `approved by ${who}`),
    ...landed,
  ].map((fact) => cleanLine(fact, 120));
  const states = paint.cyan(`${credit.from} → ${credit.to}`);
  const purpose = origin === asked ? "" : `, for "${cleanLine(origin, 80)}"`;
  return [
    `${id} ${states} on ${cleanLine(credit.branch, 80)}${facts.length > 0 ? `: ${facts.join(", ")}` : ""}`,
    paint.dim(`  asked: "${cleanLine(asked, 80)}"${purpose}`),
  ];
}

/** One line of the JSON document. */
export function describeLine(blame: Blame, line: CreditedLine): object {
  const by = blame.commits.get(line.commit);
  return {
    line: line.line,
    commit: line.commit,
    author: by && { name: by.author, mail: by.mail, at: by.at, subject: by.subject },
    handOff: line.credit ?? null,
    landedFrom: line.landedFrom ?? null,
    missing: line.missing ?? null,
    text: line.text,
  };
}
