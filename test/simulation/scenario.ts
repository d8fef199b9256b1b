/**
 * What one seed is about: a repository, its runners, and which faults come how often.
 *
 * What must hold: each kind of fault is left out of a part of the seeds, so that one kind does not
 * hide what another one would show; all of it follows from the seed.
 */
import { parseWorkflow } from "../../src/core/workflow/workflow-file.ts";
import type { Workflow } from "../../src/core/workflow/workflow.ts";
import type { Random } from "./random.ts";

export const TTL_MS = 10_000;

export interface Plan {
  readonly machines: number;
  readonly runners: number;
  readonly branches: number;
  /** How long faults and people go on. */
  readonly chaosMs: number;
  readonly workflow: Workflow;
  /** States without a script. */
  readonly scriptless: readonly string[];
  /** Work is split and joined, people hold everything and call work off, requests wait for branches. */
  readonly joins: boolean;
  /** True: each ref of a swap is compared; false: as in a push, one that has the next value is not. */
  readonly strict: boolean;
  /** The longest time between two refs of one look. */
  readonly lookMs: number;
  /** Probabilities, for each call. */
  readonly lost: number;
  readonly unacknowledged: number;
  readonly late: number;
  readonly slow: number;
  readonly disk: number;
  /** Probabilities that a process dies, or sleeps, while it waits for an answer. */
  readonly fragile: number;
  readonly drowsy: number;
  /** How many of the sleepers find that their clock slept too. */
  readonly frozen: number;
  /** Mean times between two of a kind; 0: never. */
  readonly every: Readonly<Record<Disturbance, number>>;
  /** Runners are told beforehand that a branch cannot be written, as by a dirty checkout. */
  readonly foreseen: boolean;
  /** How often a script leaves what the server takes on no ref, such as a password. */
  readonly secret: number;
  /** How many requests of people name their branch. */
  readonly bound: number;
  /** How many scripts take longer than a lease lasts. */
  readonly long: number;
  /** How often an answer hands out work to branches of its own. */
  readonly children: number;
  /** Scripts of a dead runner go on until somebody ends them. */
  readonly orphans: boolean;
  /** How the ends of scripts are spread. */
  readonly ends: Readonly<Record<ScriptEnding, number>>;
}

export type Disturbance = "crash" | "pause" | "cut" | "start" | "stop" | "clock" | "protect" | "people";
export type ScriptEnding =
  "answer" | "silent" | "fail" | "later" | "garbage" | "illegal" | "hang" | "rewrite";

/** Most seeds have a little of everything; the others much of one thing. */
const THEMES = ["all", "all", "line", "sleep", "death", "closed", "closed", "people", "disk"] as const;

export function makePlan(random: Random): Plan {
  const theme = random.pick(THEMES);
  const some = (share: number, value: () => number) => (random.chance(share) ? value() : 0);
  const rate = (share: number, low: number, high: number) => some(share, () => random.between(low, high));
  /** As `rate`, but always there, and many times as much, where it is the theme. */
  const much = (name: typeof theme, times: number, share: number, low: number, high: number) =>
    theme === name ? rate(1, low * times, high * times) : rate(share, low, high);
  const isLine = theme === "line" || theme === "disk";
  const joins = random.chance(0.45);
  const isBare = joins && random.chance(0.6);
  return {
    machines: random.count(1, 3),
    runners: random.count(theme === "sleep" ? 3 : 2, 4),
    branches: random.count(2, 5),
    chaosMs: random.between(30_000, 110_000),
    workflow: makeWorkflow(random, joins, isBare),
    scriptless: [...(random.chance(0.1) ? ["ship"] : []), ...(isBare ? ["join"] : [])],
    joins,
    strict: random.chance(0.3),
    lookMs: random.pick(theme === "closed" ? [4000] : [50, 500, 2500]),
    lost: much("line", 2, 0.5, 0.01, 0.08),
    unacknowledged: isLine ? random.between(0.2, 0.45) : rate(0.6, 0.01, 0.12),
    late: isLine ? random.between(0.1, 0.25) : rate(0.5, 0.01, 0.12),
    slow: much("line", 2, 0.6, 0.01, 0.1),
    disk: much("disk", 4, 0.25, 0.003, 0.03),
    fragile: much("death", 3, 0.4, 0.001, 0.008),
    drowsy: rate(0.4, 0.001, 0.008),
    frozen: theme === "sleep" ? 0.8 : 0.4,
    every: {
      crash: theme === "people" ? random.between(6000, 15_000) : much("death", 0.5, 0.6, 8000, 40_000),
      pause: much("sleep", 0.5, 0.6, 8000, 40_000),
      cut: much("line", 0.5, 0.5, 10_000, 40_000),
      start: random.between(4000, 12_000),
      stop: rate(0.4, 15_000, 50_000),
      clock: rate(0.7, 5000, 20_000),
      protect: much("closed", 0.25, 0.4, 6000, 25_000),
      people: much("people", 0.3, 0.85, 2000, 12_000),
    },
    foreseen: theme !== "closed" && random.chance(0.5),
    secret: rate(0.1, 0.1, 0.3),
    bound: theme === "people" ? 0.2 : 0.6,
    long: theme === "sleep" ? 0.7 : 0.25,
    children: isLine ? 0.4 : much("closed", 1.5, 0.35, 0.2, 0.4),
    orphans: random.chance(0.5),
    ends: {
      answer: 6,
      silent: 1,
      fail: some(0.7, () => 3),
      later: some(0.5, () => 1.5),
      garbage: some(0.4, () => 1),
      illegal: some(0.3, () => 1),
      hang: some(0.4, () => 1),
      rewrite: some(0.2, () => 1),
    },
  };
}

/** `joins`: with a state that hands out work and one that waits for it; `isBare`: without a script. */
function makeWorkflow(random: Random, joins: boolean, isBare: boolean): Workflow {
  const isHeavy = random.chance(0.35);
  const lane = () => random.pick(["narrow", "narrow", "wide", "wide", "default"]);
  const retries = () => random.count(0, 2);
  const work = (next: string, more = "") =>
    `{ next: ${next}, retries: ${retries()}, backoff: ${random.pick(["500ms", "3s"])}, ` +
    `timeout: ${random.pick(["12s", "30s", "30s"])}, lane: ${lane()}, children: 9${more} }`;
  const joining = () => {
    const join = random.pick(["all", "all", "any", "any", "settled", "quorum 1", "quorum 2"]);
    const deadline = random.pick(["15s", "40s", "1h", "1h"]);
    const wait = `, wait: children ${join}, deadline: ${deadline}, otherwise: triage`;
    return `  split: ${work("join")}
  join: ${work(isBare ? random.pick(["ship", "split"]) : random.pick(["[ship, split]", "done"]), wait)}
  triage: { next: [split, done], human: true }
`;
  };
  const text = `
start: build
on-plain-commit: ${random.pick(["park", "park", "continue"])}
limits: { hops: ${random.count(4, 8) + (joins ? 3 : 0)}, concurrency: ${random.count(1, 4)} }
lanes: { narrow: 1, wide: 2 }
states:
  build: ${work(joins ? "[split, test]" : "[test]")}
  test: ${work(random.pick(["[review, done]", "[ship]", "[ship, build]"]), random.chance(0.4) ? ", on-failure: review" : "")}
  ship: ${isHeavy ? work("done").replace(/lane: \w+/, "lane: [narrow, wide], weight: 2") : work("done")}
  review: { next: [build, done], human: true }
${joins ? joining() : ""}`;
  const { workflow, problems } = parseWorkflow(text);
  if (!workflow) throw new TypeError(JSON.stringify(problems));
  return workflow;
}
