/** The lines of a file under the hand-offs that they came from. Pure. */
import type { Blame, CreditedLine } from "../../core/analysis/blame.ts";
import { cleanLine, cleanText } from "../../core/util/redact.ts";

/** What colours a text; the same shape as those of a terminal. */
interface Paint {
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly dim: (text: string) => string;
}

const LONGEST = 400;

/** Neighbours with the same commit and hand-off have one heading. */
export function renderBlame(blame: Blame, lines: readonly CreditedLine[], paint: Paint): string {
  const width = String(lines.at(-1)?.line ?? 0).length;
  const rows: string[] = [];
  let before: CreditedLine | undefined;
  for (const line of lines) {
    const same = before?.commit === line.commit && before.credit?.answer === line.credit?.answer;
    if (!same) rows.push(...(before ? [""] : []), ...heading(blame, line, paint));
    before = line;
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
  const from = origin === asked ? "" : `, for "${cleanLine(origin, 80)}"`;
  return [
    `${id} ${states} on ${cleanLine(credit.branch, 80)}${facts.length > 0 ? `: ${facts.join(", ")}` : ""}`,
    paint.dim(`  asked: "${cleanLine(asked, 80)}"${from}`),
  ];
}
