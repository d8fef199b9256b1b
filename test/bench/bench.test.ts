/**
 * Runs every benchmark of the built program in its small size.
 *
 * Invariants:
 * - Each benchmark ends, and prints each of its figures beside the floor.
 * - No test depends on how long something takes.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { BENCHMARKS } from "../../bench/benchmarks.ts";

const PROGRAM = fileURLToPath(new URL("../../dist/bench.mjs", import.meta.url));
/** Long enough for a machine that does much else. No benchmark needs it on an idle machine. */
const TIMEOUT_MS = 180_000;
const TIME = /^\d+\.\d ms$/;
const RATIO = /^\d+\.\d\dx$/;

/** The names of the figures of each benchmark. */
const FIGURES: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  scan: ["scan of 3 heads, cold", "scan of 3 heads, nothing changed", "scan of 3 heads, one changed"],
  "hand-off": ["one hand-off, to the response", "one hand-off, to the clean-up"],
  chain: ["4 hand-offs, 2 at once"],
  process: [
    "trailhand run, nothing to do",
    "trailhand run, one hand-off",
    "trailhand run, 4 hand-offs",
    "trailhand status, 2 branches",
  ],
  "start-up": ["trailhand --version", "trailhand status"],
  watch: ["watch, from a request to its claim"],
  remote: ["claim and response at a remote"],
  idle: ["poll of an unchanged remote, 3 branches"],
  fleet: [
    /^4 requests, 1 runner \(\d\.\d{3} wasted claims a response\)$/,
    /^4 requests, 2 runners \(\d\.\d{3} wasted claims a response\)$/,
  ],
  webhooks: ["webhook response at 200/s, p50", "webhook response at 200/s, p99"],
};

const bench = (...args: readonly string[]) => promisify(execFile)(process.execPath, [PROGRAM, ...args]);

test("every benchmark has a test", () => {
  expect(Object.keys(FIGURES).toSorted()).toEqual(Object.keys(BENCHMARKS).toSorted());
});

const printsFigures = async (name: string, figures: readonly (string | RegExp)[]) => {
  const { stdout } = await bench(name, "--small");
  const [columns, ...rows] = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));
  expect(columns).toEqual([
    "",
    "ours",
    "floor",
    "ratio",
    "node -e 0",
    "git processes",
    "floor git processes",
  ]);
  const time = expect.stringMatching(TIME);
  const emptyNode = name === "process" ? time : "-";
  const count = expect.stringMatching(/^\d+$/);
  const ratio = expect.stringMatching(RATIO);
  expect(rows).toEqual(
    figures.map((figure) => {
      const label = typeof figure === "string" ? figure : expect.stringMatching(figure);
      return [label, time, time, ratio, emptyNode, count, count];
    }),
  );
};

test.each(Object.entries(FIGURES))("%s prints its figures beside their floors", printsFigures, TIMEOUT_MS);

test("JSON has every round and the git commands of each side", async () => {
  const { stdout } = await bench("scan", "--small", "--rounds", "2", "--json");
  const { figures } = JSON.parse(stdout) as { figures: readonly Record<string, unknown>[] };
  expect(figures).toHaveLength(3);
  expect(figures[0]).toMatchObject({
    name: "scan of 3 heads, cold",
    ours: [expect.any(Number), expect.any(Number)],
    floor: [expect.any(Number), expect.any(Number)],
    // Refs are read from their files, and commits by the session.
    ourGit: [],
    floorGit: ["for-each-ref"],
  });
});

test("the help names every benchmark", async () => {
  const { stdout } = await bench("--help");
  for (const [name, { summary }] of Object.entries(BENCHMARKS)) {
    expect(stdout).toMatch(new RegExp(`^  ${name} +`, "m"));
    expect(stdout).toContain(summary);
  }
});

test.each([
  [["nonsense"], 'there is no benchmark "nonsense"'],
  [["scan", "--heads", "1"], '--heads needs a whole number of at least 2, not "1"'],
  [["scan", "--rounds", "0"], '--rounds needs a whole number of at least 1, not "0"'],
])("bench %j is a usage error", async (args, message) => {
  await expect(bench(...args)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});
