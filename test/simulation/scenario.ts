/**
 * The scenario of a seed: a repository, its runners, and how often each fault happens.
 *
 * Invariants:
 * - Everything follows from the seed.
 * - Each kind of fault is missing from some seeds, so that one kind does not hide another.
 */
import { parseWorkflow } from "../../src/core/workflow/workflow-file.ts";
import type { Workflow } from "../../src/core/workflow/workflow.ts";
import type { Random } from "./random.ts";

export const TTL_MS = 10_000;

export interface Scenario {
  readonly machines: number;
  readonly runners: number;
  readonly branches: number;
  /** How long faults and people are active. */
  readonly chaosMs: number;
  readonly workflow: Workflow;
  /** States without a script. */
  readonly scriptless: readonly string[];
  /** Work is split and joined; people hold and cancel; requests wait for branches. */
  readonly hasJoins: boolean;
  /** True: a swap compares every ref. False: like a push, it skips a ref that has the next value. */
  readonly isStrict: boolean;
  /** The longest time between the reads of two refs in one poll. */
  readonly readGapMs: number;
  /** Probabilities for each call. */
  readonly lostChance: number;
  readonly unacknowledgedChance: number;
  readonly lateChance: number;
  readonly slowChance: number;
  readonly diskFailureChance: number;
  /** Probabilities that a process dies or sleeps while it waits for a reply. */
  readonly crashChance: number;
  readonly pauseChance: number;
  /** The share of sleeps during which the monotonic clock stops. */
  readonly frozenShare: number;
  /** Mean times between two disturbances of a kind; 0: never. */
  readonly meanIntervals: Readonly<Record<Disturbance, number>>;
  /** True: runners see in advance that a branch is blocked, as by a dirty checkout. */
  readonly areBlocksVisible: boolean;
  /** How often a script writes content that the server rejects on every ref, such as a password. */
  readonly secretChance: number;
  /** The share of people's requests that name their branch. */
  readonly boundShare: number;
  /** The share of scripts that run longer than a lease time. */
  readonly longShare: number;
  /** How often a response creates children. */
  readonly childrenChance: number;
  /** How often something is wrong with the worktree of an attempt. */
  readonly treeFaultChance: number;
  /** How often a script pushes to its own branch. */
  readonly ownPushChance: number;
  /** The share of a script's own commits that it signs. */
  readonly signedShare: number;
  /** True: scripts of a dead runner continue until a sweep ends them. */
  readonly keepsOrphans: boolean;
  /** The weights of the ways in which scripts end. */
  readonly endingWeights: Readonly<Record<ScriptEnding, number>>;
}

export type Disturbance =
  "crash" | "pause" | "cut" | "start" | "stop" | "clock" | "protect" | "people" | "key" | "garbage";
export type ScriptEnding =
  "answer" | "silent" | "fail" | "later" | "garbage" | "illegal" | "hang" | "rewrite";

/** Some seeds have a little of everything, the others much of one kind. */
const THEMES = [
  "all",
  "all",
  "line",
  "sleep",
  "death",
  "closed",
  "closed",
  "people",
  "disk",
  "keys",
  "hostile",
] as const;

export function makeScenario(random: Random): Scenario {
  const theme = random.pick(THEMES);
  const sometimes = (share: number, value: () => number) => (random.chance(share) ? value() : 0);
  const rate = (share: number, low: number, high: number) =>
    sometimes(share, () => random.between(low, high));
  /** Like `rate`, but always present and `times` as high when it is the theme. */
  const themedRate = (name: typeof theme, times: number, share: number, low: number, high: number) =>
    theme === name ? rate(1, low * times, high * times) : rate(share, low, high);
  const isNetworkTheme = theme === "line" || theme === "disk";
  const joins = random.chance(0.45);
  const isBare = joins && random.chance(0.6);
  return {
    machines: random.count(1, 3),
    runners: random.count(theme === "sleep" ? 3 : 2, 4),
    branches: random.count(2, 5),
    chaosMs: random.between(30_000, 110_000),
    workflow: makeWorkflow(random, joins, isBare, theme === "keys" || random.chance(0.15)),
    scriptless: [...(random.chance(0.1) ? ["ship"] : []), ...(isBare ? ["join"] : [])],
    hasJoins: joins,
    isStrict: random.chance(0.3),
    readGapMs: random.pick(theme === "closed" ? [4000] : [50, 500, 2500]),
    lostChance: themedRate("line", 2, 0.5, 0.01, 0.08),
    unacknowledgedChance: isNetworkTheme ? random.between(0.2, 0.45) : rate(0.6, 0.01, 0.12),
    lateChance: isNetworkTheme ? random.between(0.1, 0.25) : rate(0.5, 0.01, 0.12),
    slowChance: themedRate("line", 2, 0.6, 0.01, 0.1),
    diskFailureChance: themedRate("disk", 4, 0.25, 0.003, 0.03),
    crashChance: themedRate("death", 3, 0.4, 0.001, 0.008),
    pauseChance: rate(0.4, 0.001, 0.008),
    frozenShare: theme === "sleep" ? 0.8 : 0.4,
    meanIntervals: {
      crash: theme === "people" ? random.between(6000, 15_000) : themedRate("death", 0.5, 0.6, 8000, 40_000),
      pause: themedRate("sleep", 0.5, 0.6, 8000, 40_000),
      cut: themedRate("line", 0.5, 0.5, 10_000, 40_000),
      start: random.between(4000, 12_000),
      stop: rate(0.4, 15_000, 50_000),
      clock: rate(0.7, 5000, 20_000),
      protect: themedRate("closed", 0.25, 0.4, 6000, 25_000),
      people: themedRate("people", 0.3, 0.85, 2000, 12_000),
      key: themedRate("keys", 0.5, 0.5, 8000, 30_000),
      garbage: themedRate("hostile", 0.5, 0.15, 8000, 40_000),
    },
    areBlocksVisible: theme !== "closed" && random.chance(0.5),
    secretChance: rate(0.1, 0.1, 0.3),
    boundShare: theme === "people" ? 0.2 : 0.6,
    longShare: theme === "sleep" ? 0.7 : 0.25,
    childrenChance: isNetworkTheme ? 0.4 : themedRate("closed", 1.5, 0.35, 0.2, 0.4),
    treeFaultChance: themedRate("hostile", 2, 0.3, 0.05, 0.3),
    ownPushChance: themedRate("hostile", 2, 0.2, 0.02, 0.1),
    signedShare: random.pick([0.5, 1]),
    keepsOrphans: random.chance(0.5),
    endingWeights: {
      answer: 6,
      silent: 1,
      fail: sometimes(0.7, () => 3),
      later: sometimes(0.5, () => 1.5),
      garbage: sometimes(0.4, () => 1),
      illegal: sometimes(0.3, () => 1),
      hang: sometimes(0.4, () => 1),
      rewrite: sometimes(0.2, () => 1),
    },
  };
}

/** `joins` adds a state that creates children and one that waits for them; `isBare`: without a script. */
function makeWorkflow(random: Random, joins: boolean, isBare: boolean, signs: boolean): Workflow {
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
sign: ${signs}
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
