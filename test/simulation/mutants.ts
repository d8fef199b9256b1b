/**
 * Faults that are planted in the real source, one at a time.
 *
 * What must hold: each place that is changed occurs once in its file; the simulation
 * notices every one of them. Left out, because a thousand schedules may go by without them: that a
 * claim which came too early lays down what it took over, that children are read before the lease,
 * that the lease of a branch that moved on names no owner. Left out, because another rule covers them:
 * - that an answer's ancestry is checked again: a tree with rewritten history is not even sealed;
 * - that a place is given to one run of a look only: the second claim of it is refused;
 * - that a moved branch stops its run: the answer expects the request as the head;
 * - that a rest which landed untold is known for one: it is not given back, and another run takes it.
 */
import { WAITING } from "./mutants-waiting.ts";

export interface Edit {
  readonly find: string;
  readonly replace: string;
}

export interface Mutant extends Edit {
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  /** The same change may need a second place. */
  readonly also?: Edit;
  /** The first seed that detects it; `npm run simulate -- --aim` finds it. */
  readonly seed: number;
}

const claim = "engine/attempt/lease-holder.ts";
const finish = "engine/attempt/commit-result.ts";
const conclude = "engine/attempt/finalize.ts";
const tick = "engine/runner.ts";
const choose = "engine/loop/select-work.ts";
const decide = "core/scheduling/decide.ts";

const built = "const commit = await repository.commit(tree, parent, reply.message);";

export const MUTANTS: readonly Mutant[] = [
  {
    name: "no fencing",
    file: finish,
    find: "    ...leaseUpdates(held),\n    ...births,",
    replace: "    ...births,",
    seed: 1,
  },
  {
    name: "answer leaves the lease",
    file: finish,
    find: "    ...leaseUpdates(held),\n    ...births,",
    replace: "    ...leaseUpdates(held).slice(1),\n    ...births,",
    seed: 1,
  },
  {
    name: "answer leaves its place",
    file: claim,
    find: "const places = slots.map((slot): Update => ({ ref: slot.ref, expected: slot.value, next: null }));",
    replace: "const places: Update[] = slots.flatMap(() => []);",
    seed: 2,
  },
  {
    name: "claim without its place",
    file: claim,
    find: "const places: Update[] = (run.slots ?? []).map(({ ref, expected }) => ({ ref, expected, next: value }));",
    replace: "const places: Update[] = [];",
    seed: 1,
  },
  {
    name: "no nonce",
    file: claim,
    find: "formatLease({ ...claim.lease, nonce: machine.newNonce() })",
    replace: "formatLease(claim.lease)",
    seed: 62,
  },
  {
    name: "any lease is ours",
    file: claim,
    find: `if (now?.lease?.run !== claim.lease.run) return "fenced";`,
    replace: `if (!now) return "fenced";`,
    seed: 147,
  },
  {
    name: "head not read again after the claim",
    file: claim,
    find: "if (await retryUnreachable(ports, timeLeft(ports, claimed), () => isAsked(ports, claimed))) return claimed;",
    replace: "if (ports) return claimed;",
    seed: 1,
  },
  {
    name: "parked answer not looked for after the claim",
    file: claim,
    find: "const value = (await repository.read([parked])).get(parked);",
    replace: "const value = undefined as Sha | null | undefined;",
    seed: 38,
  },
  {
    name: "gives up too late",
    file: "engine/timing.ts",
    find: "giveUpShare: 2 / 3,",
    replace: "giveUpShare: 20,",
    seed: 29,
  },
  {
    name: "expiry by the date of the commit",
    file: decide,
    find: "return seen.isHolderDead || now.mono - seen.firstSeen > LEASE_LIMITS.takeOverFactor * ttl;",
    replace:
      "return seen.isHolderDead || now.wall - seen.committed * 1000 > LEASE_LIMITS.takeOverFactor * ttl;",
    seed: 1,
  },
  {
    name: "first sight of the ref, not of the value",
    file: "engine/loop/observer.ts",
    find: "firstSeen: seenAt(found.value)",
    replace: "firstSeen: seenAt(found.ref)",
    seed: 1,
  },
  {
    name: "takeover resets the attempts",
    file: decide,
    find: "const attempt = same ? lease.attempt + 1 : 1;",
    replace: "const attempt = same && lease.rest ? lease.attempt + 1 : 1;",
    seed: 1,
  },
  {
    name: "rest is never over",
    file: decide,
    find: 'if (leftMs > 0) return wait({ code: "resting"',
    replace: 'if (lease) return wait({ code: "resting"',
    seed: 2,
  },
  {
    name: "unknown is taken for landed",
    file: finish,
    find: `if (swap.kind === "landed") return { kind: "answered", commit };`,
    replace: `if (swap.kind === "landed" || swap.kind === "unknown") return { kind: "answered", commit };`,
    seed: 3,
  },
  {
    name: "unknown is taken for refused",
    file: finish,
    find: "const mine = await refresh(ports, held);",
    replace: `const mine = swap.kind !== "unknown" && (await refresh(ports, held));`,
    seed: 3,
  },
  {
    name: "head is read before the lease",
    file: finish,
    find: "const mine = await refresh(ports, held);\n    const present = await readOne(ports, held, branch);",
    replace:
      "const present = await readOne(ports, held, branch);\n    const mine = await refresh(ports, held);",
    seed: 3,
  },
  {
    name: "response is built again on each try",
    file: finish,
    find: built,
    replace: built.replace("const", "let"),
    also: {
      find: "await ports.clock.sleep(jitterMs(ports, tries));\n  }\n  throw new UserError(MESSAGES.headMoved(",
      replace: `${built.replace("const ", "")}\n  }\n  throw new UserError(MESSAGES.headMoved(`,
    },
    seed: 78,
  },
  {
    name: "children come after the answer",
    file: finish,
    find: "    ...births,\n",
    replace: "",
    seed: 6,
  },
  {
    name: "answer waits without its children",
    file: finish,
    find: "if (!saved && !isAlone) {",
    replace: "if (!saved && !isAlone && births.length > 99) {",
    seed: 145,
  },
  {
    name: "place is freed at first sight",
    file: "core/scheduling/orphans.ts",
    find: "free.map(({ ref, value, wasSeenBefore }) => ({ ref, value, isConfirmed: wasSeenBefore }))",
    replace: "free.map(({ ref, value }) => ({ ref, value, isConfirmed: true }))",
    seed: 1,
  },
  {
    name: "takeover finds no place of its own",
    file: "core/scheduling/admission.ts",
    find: "held?.run === before.run && !given.has(ref);",
    replace: "held?.run === lane && !given.has(ref);",
    seed: 800,
  },
  {
    name: "lost run of a request that waits keeps its place",
    file: "engine/loop/cleanup.ts",
    find: "if (!over || !lost || lost.backoff) return false;",
    replace: "if (!over || !lost || lost) return false;",
    seed: 150,
  },
  {
    name: "lost run of an older request keeps its place",
    file: choose,
    find: 'why.code === "lane-full" ? [head.branch] : []',
    replace: 'why.code === "lane-full" ? [] : []',
    seed: 150,
  },
  {
    name: "requests that wait take places",
    file: choose,
    find: "const unasked = admission.runs.filter(({ head }) => !barred.has(head.branch));",
    replace: `const unasked: Run[] = [];
      for (const run of admission.runs) barred.set(run.head.branch, await this.#tidy.bar(run, view));
      Object.assign(admission, { runs: admission.runs.filter(({ head }) => !barred.get(head.branch)) });`,
    seed: 1,
  },
  {
    name: "expired lease stands",
    file: "engine/loop/cleanup.ts",
    find: `if (decision.kind === "expire") {`,
    replace: `if (decision.kind === "expire" && blocked.length > 99) {`,
    seed: 1,
  },
  {
    name: "fault after the end of a run gives an attempt back",
    file: "engine/attempt/attempt.ts",
    find: "if (now?.lease?.run !== held.lease.run || now.lease.backoff) return;",
    replace: "if (now?.lease?.run !== held.lease.run) return;",
    seed: 1,
  },
  {
    name: "fenced run forgets its tree",
    file: conclude,
    find: "const saved = tree && (await salvage(ports, held, tree, why));",
    replace: "const saved = undefined;",
    seed: 1,
  },
  {
    name: "failed attempt that was taken over forgets its tree",
    file: finish,
    find: "await keepCommit(ports, held, end.salvage.value);\n    return false;",
    replace: "return false;",
    seed: 1,
  },
  {
    name: "failure that was overtaken forgets its tree",
    file: finish,
    find: "keepCommit(ports, held, saved?.value ?? commit)",
    replace: "keepCommit(ports, held, commit)",
    seed: 1,
  },
  {
    name: "dead run is taken over before its tree is saved",
    file: tick,
    find: "if (isDead) await this.#ports.trees.sweep();",
    replace: "if (isDead) this.#bell.ring();",
    seed: 1,
  },
  {
    name: "runner that starts leaves the trees of dead ones",
    file: tick,
    find: "await this.#ports.trees.sweep();\n    this.#sweptAt = now;",
    replace: "this.#sweptAt = now;",
    seed: 1,
  },
  ...WAITING,
];
