/** Prints figures as a table or as JSON. */
import { cpus } from "node:os";
import { median, type Figure } from "./compare.ts";

const COLUMNS = ["", "ours", "floor", "ratio", "node -e 0", "git processes", "floor git processes"];

const formatMedian = (times: readonly number[]): string =>
  times.length === 0 ? "-" : `${median(times).toFixed(1)} ms`;

/** Prints the median of each side, one figure a line. */
export function printTable(figures: readonly Figure[]): void {
  const rows = figures.map(({ name, ours, floor, emptyNode, ourGit, floorGit }) => [
    name,
    formatMedian(ours),
    formatMedian(floor),
    `${(median(ours) / median(floor)).toFixed(2)}x`,
    formatMedian(emptyNode),
    String(ourGit.length),
    String(floorGit.length),
  ]);
  const lines = [COLUMNS, ...rows];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const align = (line: readonly string[]) =>
    line.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
  process.stdout.write(`${lines.map((line) => align(line).join("  ")).join("\n")}\n`);
}

/** Prints every round, the git commands of each side, and the machine. */
export function printJson(figures: readonly Figure[]): void {
  const withMedians = figures.map((figure) => ({
    ...figure,
    medians: {
      ours: median(figure.ours),
      floor: median(figure.floor),
      ...(figure.emptyNode.length > 0 ? { emptyNode: median(figure.emptyNode) } : {}),
    },
  }));
  const machine = { node: process.version, platform: process.platform, cpus: cpus().length };
  process.stdout.write(`${JSON.stringify({ machine, figures: withMedians }, undefined, 2)}\n`);
}
