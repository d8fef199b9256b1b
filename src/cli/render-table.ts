/** Tables without lines, as git and kubectl print them. Pure. */
import Table from "cli-table3";

const NONE = "";
const NO_LINES = {
  ...{ top: NONE, "top-mid": NONE, "top-left": NONE, "top-right": NONE },
  ...{ bottom: NONE, "bottom-mid": NONE, "bottom-left": NONE, "bottom-right": NONE },
  ...{
    left: NONE,
    "left-mid": NONE,
    mid: NONE,
    "mid-mid": NONE,
    right: NONE,
    "right-mid": NONE,
    middle: "  ",
  },
};

/** Columns as wide as their widest cell; cells may hold colours and wide characters. */
export function renderColumns(rows: readonly (readonly string[])[]): string {
  const table = new Table({
    chars: NO_LINES,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
