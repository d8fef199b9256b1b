/** The benchmarks by name, with their full size and the small size that the tests run. */
import { claimAtRemote } from "./claim-at-remote.ts";
import type { Figure } from "./compare.ts";
import { fleet, type FleetSize } from "./fleet.ts";
import { chain, handOff } from "./hand-off.ts";
import { idle } from "./idle.ts";
import type { PipelineSize } from "./pipeline.ts";
import { scan } from "./scan.ts";
import { startUp } from "./start-up.ts";
import { watch } from "./watch.ts";
import { webhooks } from "./webhooks.ts";
import { wholeProcess } from "./whole-process.ts";

export interface Size {
  /** Numbers of branches for `scan` and `idle`; at least 2 each. */
  readonly heads: readonly number[];
  readonly pipeline: PipelineSize;
  readonly fleet: FleetSize;
  readonly webhooks: number;
}

export interface Benchmark {
  /** One line for the help. */
  readonly summary: string;
  /** Default number of rounds. */
  readonly rounds: number;
  readonly measure: (rounds: number, size: Size) => Promise<Figure[]>;
}

export const FULL: Size = {
  heads: [100, 1000, 10_000],
  pipeline: { branches: 10, steps: 10 },
  fleet: { requests: 200, runners: [1, 2, 4, 8] },
  webhooks: 5000,
};

/** Shows in seconds that every benchmark works. Its figures say little about speed. */
export const SMALL: Size = {
  heads: [3],
  pipeline: { branches: 2, steps: 2 },
  fleet: { requests: 4, runners: [1, 2] },
  webhooks: 40,
};

export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  scan: {
    summary: "one scan of many branches: cold, nothing changed, one changed",
    rounds: 7,
    async measure(rounds, { heads }) {
      const figures: Figure[] = [];
      for (const count of heads) figures.push(...(await scan(count, rounds)));
      return figures;
    },
  },
  "hand-off": {
    summary: "one hand-off in this process, from the request to its response",
    rounds: 15,
    measure: (rounds) => handOff(rounds),
  },
  chain: {
    summary: "100 hand-offs in this process, two at once",
    rounds: 3,
    measure: (rounds, { pipeline }) => chain(rounds, pipeline),
  },
  process: {
    summary: "the whole program from a shell: run with nothing to do, 1 and 100 hand-offs, status",
    rounds: 15,
    measure: (rounds, { pipeline }) => wholeProcess(rounds, pipeline),
  },
  "start-up": {
    summary: "--version and status, against `node -e 0`",
    rounds: 15,
    measure: (rounds) => startUp(rounds),
  },
  watch: {
    summary: "from a new request to its claim by a watching runner",
    rounds: 15,
    measure: (rounds) => watch(rounds),
  },
  remote: {
    summary: "one claim and one response at a remote, against the bare pushes",
    rounds: 15,
    measure: (rounds) => claimAtRemote(rounds),
  },
  idle: {
    summary: "the poll of an unchanged remote, against `git ls-remote`",
    rounds: 7,
    measure: (rounds, { heads }) => idle(heads, rounds),
  },
  fleet: {
    summary: "1, 2, 4 and 8 runners on 200 requests of one remote",
    rounds: 1,
    measure: (rounds, size) => fleet(rounds, size.fleet),
  },
  webhooks: {
    summary: "5000 signed webhooks at 200 a second, and again with a `kill -9` halfway",
    rounds: 1,
    measure: (rounds, size) => webhooks(rounds, size.webhooks),
  },
};
