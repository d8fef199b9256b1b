/**
 * Mutants: faults that are planted into the real source, one at a time.
 *
 * Invariants:
 * - The replaced text occurs exactly once in its file.
 * - The simulation detects every mutant.
 *
 * Some rules have no mutant, because a thousand schedules may pass without them:
 * - A claim on a stale snapshot restores the lease that it replaced.
 * - New branches are read before the lease.
 * - The lease of a branch that moved on names no owner.
 *
 * Others have none, because a second rule covers them:
 * - A response must descend from its request: a tree with rewritten history is not even collected.
 * - A lane slot goes to one run per poll: the second claim of it is refused.
 * - A moved branch stops its run: the response expects the request as the head.
 * - A back-off that landed without confirmation is recognized: no other run could take it.
 */
import { TREE_MUTANTS } from "./mutants-trees.ts";
import { WAITING_MUTANTS } from "./mutants-waiting.ts";

export interface Edit {
  readonly find: string;
  readonly replace: string;
}

export interface Mutant extends Edit {
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  /** A second edit of the same file. */
  readonly also?: Edit;
  /** A seed that detects it; `npm run simulate -- --aim` finds it. */
  readonly seed: number;
}

const leaseHolder = "engine/attempt/lease-holder.ts";
const commitResult = "engine/attempt/commit-result.ts";
const runner = "engine/runner.ts";
const selectWork = "engine/loop/select-work.ts";
const decide = "core/scheduling/decide.ts";

const destructure = "{ commit, newBranches, others } = moves";

export const MUTANTS: readonly Mutant[] = [
  {
    name: "no fencing",
    file: commitResult,
    find: "    ...leaseUpdates(held),\n    ...newBranches,",
    replace: "    ...newBranches,",
    seed: 1,
  },
  {
    name: "response keeps the lease",
    file: commitResult,
    find: "    ...leaseUpdates(held),\n    ...newBranches,",
    replace: "    ...leaseUpdates(held).slice(1),\n    ...newBranches,",
    seed: 1,
  },
  {
    name: "response keeps its lane slot",
    file: leaseHolder,
    find: "const freed = slots.map((slot): Update => ({ ref: slot.ref, expected: slot.value, next: null }));",
    replace: "const freed: Update[] = slots.flatMap(() => []);",
    seed: 1,
  },
  {
    name: "claim takes no lane slot",
    file: leaseHolder,
    find: "const slots: Update[] = (run.slots ?? []).map(({ ref, expected }) => ({ ref, expected, next: value }));",
    replace: "const slots: Update[] = [];",
    seed: 1,
  },
  {
    name: "no nonce",
    file: "engine/attempt/renew-lease.ts",
    find: "formatLease({ ...held.lease, nonce: machine.newNonce() })",
    replace: "formatLease(held.lease)",
    seed: 49,
  },
  {
    name: "every lease counts as our own",
    file: "engine/attempt/renew-lease.ts",
    find: `if (current?.lease?.run !== held.lease.run) return "fenced";`,
    replace: `if (!current) return "fenced";`,
    seed: 201,
  },
  {
    name: "head is not read again after the claim",
    file: leaseHolder,
    find: "if (await retryUnreachable(ports, timeLeftMs(ports, held), () => isStillRequested(ports, held)))",
    replace: "if (ports)",
    seed: 2,
  },
  {
    name: "parked response is not read after the claim",
    file: leaseHolder,
    find: "const value = (await repository.read([parked])).get(parked);",
    replace: "const value = undefined as Sha | null | undefined;",
    seed: 40,
  },
  {
    name: "lease is given up too late",
    file: "engine/timing.ts",
    find: "giveUpShare: 2 / 3,",
    replace: "giveUpShare: 20,",
    seed: 67,
  },
  {
    name: "lease expires by the date of its commit",
    file: decide,
    find: "return observed.isHolderDead || now.mono - observed.firstSeen > LEASE_LIMITS.takeOverFactor * ttl;",
    replace:
      "return observed.isHolderDead || now.wall - observed.committed * 1000 > LEASE_LIMITS.takeOverFactor * ttl;",
    seed: 2,
  },
  {
    name: "first sight of the ref counts, not of its value",
    file: "engine/observer.ts",
    find: "firstSeen: firstSeenAt(value)",
    replace: "firstSeen: firstSeenAt(ref)",
    seed: 1,
  },
  {
    name: "takeover resets the attempts",
    file: decide,
    find: "const attempt = isSameRequest ? lease.attempt + 1 : 1;",
    replace: "const attempt = isSameRequest && lease.backoff ? lease.attempt + 1 : 1;",
    seed: 1,
  },
  {
    name: "back-off never ends",
    file: decide,
    find: 'if (leftMs > 0) return wait({ code: "resting"',
    replace: 'if (lease) return wait({ code: "resting"',
    seed: 3,
  },
  {
    name: "unknown swap counts as landed",
    file: commitResult,
    find: `if (swap.kind === "landed") return { kind: "answered", commit };`,
    replace: `if (swap.kind === "landed" || swap.kind === "unknown") return { kind: "answered", commit };`,
    seed: 7,
  },
  {
    name: "unknown swap counts as fenced",
    file: commitResult,
    find: "const result = await resolveSwap(ports, held, moves, saved);",
    replace: "const result = await resolveSwap(ports, held, moves, saved, swap.kind);",
    also: {
      find: "const isHeld = await refresh(ports, held);",
      replace: `const isHeld = arguments[4] !== "unknown" && (await refresh(ports, held));`,
    },
    seed: 48,
  },
  {
    name: "head is read before the lease",
    file: commitResult,
    find: "const isHeld = await refresh(ports, held);\n  const current = await readRef(ports, held, refOf(head.branch));",
    replace:
      "const current = await readRef(ports, held, refOf(head.branch));\n  const isHeld = await refresh(ports, held);",
    seed: 81,
  },
  {
    name: "response is rebuilt on each try",
    file: commitResult,
    find: `const ${destructure};`,
    replace: `let ${destructure};`,
    also: {
      find: "await ports.clock.sleep(jitterMs(ports, tries));\n  }\n  throw new UserError(MESSAGES.headMoved(",
      replace: `moves = await signAndExtend(repository, held, response, await writeOwnCommit(ports, held, response));\n    (${destructure});\n  }\n  throw new UserError(MESSAGES.headMoved(`,
    },
    seed: 308,
  },
  {
    name: "children are not created with the response",
    file: commitResult,
    find: "    ...newBranches,\n",
    replace: "",
    seed: 4,
  },
  {
    name: "response is parked without its children",
    file: commitResult,
    find: "if (!saved && !isAlone) {",
    replace: "if (!saved && !isAlone && newBranches.length > 99) {",
    seed: 50,
  },
  {
    name: "orphaned lane slot is deleted at first sight",
    file: "core/scheduling/orphans.ts",
    find: "slots.map(({ ref, value, wasSeenBefore }) => ({ ref, value, isConfirmed: wasSeenBefore }))",
    replace: "slots.map(({ ref, value }) => ({ ref, value, isConfirmed: true }))",
    seed: 5,
  },
  {
    name: "takeover does not reuse the lane slot of the lost run",
    file: "core/scheduling/admission.ts",
    find: "slot?.run === lease.run && !assigned.has(ref);",
    replace: "slot?.run === lane && !assigned.has(ref);",
    seed: 2443,
  },
  {
    name: "lost run of a waiting request keeps its lane slot",
    file: "engine/loop/cleanup.ts",
    find: "if (!previousLease || lost?.backoff) return false;",
    replace: "if (!previousLease || lost) return false;",
    seed: 471,
  },
  {
    name: "lost run of an older request keeps its lane slot",
    file: selectWork,
    find: 'why.code === "lane-full" ? [head.branch] : []',
    replace: 'why.code === "lane-full" ? [] : []',
    seed: 18,
  },
  {
    name: "skipped requests take lane slots",
    file: selectWork,
    find: "const unchecked = admission.runs.filter(({ head }) => !checked.has(head.branch));",
    replace: `const unchecked: Run[] = [];
      for (const run of admission.runs) checked.set(run.head.branch, await this.#cleanup.skip(run, snapshot));
      Object.assign(admission, { runs: admission.runs.filter(({ head }) => !checked.get(head.branch)) });`,
    seed: 146,
  },
  {
    name: "expired lease is not deleted",
    file: "engine/loop/cleanup.ts",
    find: `if (decision.kind === "expire") hasProgress =`,
    replace: `if (decision.kind === "expire" && blocked.length > 99) hasProgress =`,
    seed: 1,
  },
  {
    name: "fault after the end of a run does not count an attempt",
    file: leaseHolder,
    find: "if (current?.lease?.run !== held.lease.run || current.lease.backoff) return;",
    replace: "if (current?.lease?.run !== held.lease.run) return;",
    seed: 12,
  },
  {
    name: "fenced run does not save its tree",
    file: "engine/attempt/finalize-stopped.ts",
    find: "const salvage = saved && (await keepCommit(ports, claim, saved.value));",
    replace: "const salvage = undefined;",
    seed: 5,
  },
  {
    name: "failed attempt that was taken over does not save its tree",
    file: "engine/attempt/commit-backoff.ts",
    find: "await keepCommit(ports, held, saved.value);\n    return false;",
    replace: "return false;",
    seed: 70,
  },
  {
    name: "overtaken failure does not save its tree",
    file: commitResult,
    find: "keepCommit(ports, held, saved?.value ?? commit)",
    replace: "keepCommit(ports, held, commit)",
    seed: 7,
  },
  {
    name: "dead run is taken over before its tree is saved",
    file: runner,
    find: "if (hasDead) await this.#ports.trees.sweep();",
    replace: "if (hasDead) this.#wakeSignal.wake();",
    seed: 28,
  },
  {
    name: "starting runner does not sweep the trees of dead runners",
    file: runner,
    find: "await this.#ports.trees.sweep();\n    this.#sweptAt = now;",
    replace: "this.#sweptAt = now;",
    seed: 5,
  },
  ...WAITING_MUTANTS,
  ...TREE_MUTANTS,
];
