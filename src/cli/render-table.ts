/** Tables without lines, as git and kubectl print them. Pure. */
import Table from "cli-table3";

/** Every line of a frame is left out, and columns are two spaces apart. */
const FRAME = "top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right";
const INSIDE = "left left-mid mid mid-mid right right-mid";
const NO_LINES = {
  ...Object.fromEntries(`${FRAME} ${INSIDE}`.split(" ").map((name) => [name, ""])),
  middle: "  ",
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
