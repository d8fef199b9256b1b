/** Columns of text, as git and kubectl print them. Pure. */
import stringWidth from "string-width";

const GAP = "  ";

/** Columns as wide as their widest cell; cells may hold colours and wide characters. */
export function renderColumns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, stringWidth(cell));
  }
  const pad = (cell: string, at: number) => cell + " ".repeat((widths[at] ?? 0) - stringWidth(cell));
  return rows.map((row) => row.map(pad).join(GAP).trimEnd()).join("\n");
}
