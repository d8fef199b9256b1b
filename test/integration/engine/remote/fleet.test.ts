/** Many runners at one remote, each as if on its own machine. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Clock, Ports } from "../../../../src/engine/ports.ts";
import { cliIn } from "../../../support/run-cli.ts";
import {
  type Stage,
  answersTo,
  ask,
  makeRemote,
  makeRunner,
  sideRefs,
  trailerOf,
} from "../../../support/bare-remote.ts";
import { LONG_TTL_MS, quickBetweenRuns } from "../../../support/quick-clock.ts";
import { until } from "../../../support/until.ts";

const PLEASE = "feat: a thing\n\nPlease.\n\nState: work\n";

/** A machine that cannot see dead processes of other machines. */
const blind = (ports: Ports): Ports => ({ ...ports, machine: { ...ports.machine, isDead: () => false } });

/** A machine on which waiting for the leases of others takes no time. */
const NEXT = { ttlMs: LONG_TTL_MS, watch: true, pollInterval: { shortestMs: 20_000, longestMs: 20_000 } };
const afterWaits = (ports: Ports): Ports => blind(quickBetweenRuns(ports));

/** A runner that hangs forever at its `n`th call of the repository, like a lost machine. */
function hangingRunner(calls: number, onVanish: () => void): (ports: Ports) => Ports {
  let remaining = calls;
  return (ports) => ({
    ...ports,
    repository: new Proxy(ports.repository, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (remaining-- > 0) return Reflect.apply(member, target, args) as unknown;
          onVanish();
          return new Promise(() => undefined);
        };
      },
    }),
  });
}

test("four runners answer twenty requests once each, and never exceed the capacity of a lane", async () => {
  const stage = makeRemote({
    "states/workflow.yml":
      "lanes: { narrow: 2 }\nstates:\n  work: { next: check, lane: narrow }\n  check: { next: done }\n",
    "states/work": "#!/bin/sh\necho + >> $OUT/lane\nsleep 0.2\necho - >> $OUT/lane\n",
    "states/check": "#!/bin/sh\ntrue\n",
  });
  const requests = Array.from({ length: 20 }, (_, at) => ask(stage, `feat/${at}`, PLEASE));
  const runners = await Promise.all(
    ["a", "b", "c", "d"].map((name) => makeRunner(stage, name, { concurrency: 2 }, blind)),
  );
  const ran = await Promise.all(runners.map(({ run }) => run()));
  // A runner without --watch ends while others still work. The last one finds nothing open.
  await (await makeRunner(stage, "a")).run();
  expect(requests.map((request) => answersTo(stage, request))).toEqual(requests.map(() => 1));
  expect(requests.map((_, at) => trailerOf(stage, `feat/${at}`, "State"))).toEqual(
    requests.map(() => "done"),
  );
  expect(sideRefs(stage)).toEqual([]);
  expect(ran.flatMap(({ events }) => events).filter(({ kind }) => kind === "fault")).toEqual([]);
  let inside = 0;
  for (const mark of readFileSync(join(stage.outside, "lane"), "utf8").trim().split("\n")) {
    inside += mark === "+" ? 1 : -1;
    expect(inside).toBeLessThanOrEqual(2);
  }
});

test("the request of a lost machine is taken over after its lease expired, and the attempt counts", async () => {
  const stage = makeRemote({
    "states/workflow.yml": "lanes: { one: 1 }\nstates:\n  work: { next: done, retries: 1, lane: one }\n",
    "states/work": "#!/bin/sh\nif [ ! -e $OUT/first ]; then touch $OUT/first; sleep 600; fi\n",
  });
  const request = ask(stage, "topic", PLEASE);
  // A holder on another machine: its lease exists, and nothing renews it.
  const lost = await makeRunner(stage, "lost", {}, (ports) =>
    blind({
      ...ports,
      scripts: { run: () => new Promise(() => writeFileSync(join(stage.outside, "first"), "")) },
      clock: { ...ports.clock, sleep: () => new Promise(() => undefined) },
    }),
  );
  void lost.run();
  await until("the claim", () => existsSync(join(stage.outside, "first")));
  expect(sideRefs(stage).length).toBe(2);
  const second = await makeRunner(stage, "two", NEXT, afterWaits);
  const running = second.run();
  await until("the answer", () => answersTo(stage, request) === 1);
  second.runner.shutdown();
  await running;
  expect(trailerOf(stage, "topic", "Attempt")).toBe("2/2");
  expect(sideRefs(stage)).toEqual([]);
});

test("a run that wakes after a takeover is fenced, and its work is saved at the remote", async () => {
  const stage = makeRemote({
    "states/workflow.yml": "states:\n  work: { next: done, retries: 3 }\n",
    "states/work":
      "#!/bin/sh\nif [ -e $OUT/first ]; then exit 0; fi\ntouch $OUT/first\necho half > half.txt\nwhile [ ! -e $OUT/wake ]; do sleep 0.2; done\n",
  });
  const request = ask(stage, "topic", PLEASE);
  const asleep = join(stage.outside, "asleep");
  const awake = join(stage.outside, "wake");
  const frozen: Clock["sleep"] = async () => {
    appendFileSync(asleep, "");
    while (!existsSync(awake)) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const first = await makeRunner(stage, "one", {}, (ports) =>
    blind({ ...ports, clock: { ...ports.clock, sleep: frozen } }),
  );
  const running = first.run();
  await until("the pause", () => existsSync(asleep) && existsSync(join(stage.outside, "first")));
  const second = await makeRunner(stage, "two", NEXT, afterWaits);
  const others = second.run();
  await until("the answer", () => answersTo(stage, request) === 1);
  second.runner.shutdown();
  await others;
  writeFileSync(awake, "");
  const { events } = await running;
  expect(events.find(({ kind }) => kind === "stopped" || kind === "answered")).toMatchObject({
    kind: "stopped",
  });
  // It may have finished a response before it noticed. That is kept on a side ref, not on the branch.
  const onBranch = stage.remote.git("log", "--format=%(trailers:key=Answers,valueonly)", "topic");
  expect(onBranch.split("\n").filter((line) => line === request)).toHaveLength(1);
  const [salvage = ""] = sideRefs(stage, "salvage");
  expect(stage.remote.git("show", `${salvage}:half.txt`)).toBe("half");
  expect(sideRefs(stage, "leases")).toEqual([]);
});

test.each([4, 6, 8, 10, 12])(
  "a machine lost at its call %i leaves nothing that stops the next one",
  async (calls) => {
    const stage = makeRemote({
      "states/workflow.yml": "lanes: { one: 1 }\nstates:\n  work: { next: done, retries: 3, lane: one }\n",
      "states/work": "#!/bin/sh\necho made > made.txt\n",
    });
    const request = ask(stage, "topic", PLEASE);
    let vanished = false;
    const lost = await makeRunner(stage, "lost", {}, (ports) =>
      blind(hangingRunner(calls, () => (vanished = true))(ports)),
    );
    let ended = false;
    void lost.run().then(() => (ended = true));
    await until("the loss", () => vanished || ended);
    const next = await makeRunner(stage, "two", NEXT, afterWaits);
    const running = next.run();
    await until("the answer", () => answersTo(stage, request) === 1);
    await until("an empty namespace", () => sideRefs(stage).every((ref) => ref.includes("/salvage/")));
    next.runner.shutdown();
    await running;
    expect(answersTo(stage, request)).toBe(1);
  },
);

test.each([-40, 40])("a wall clock that jumps by %i days changes nothing", async (days) => {
  const stage = makeRemote({
    "states/workflow.yml": "states:\n  work: { next: check }\n  check: { next: done }\n",
    "states/work": "#!/bin/sh\ntrue\n",
    "states/check": "#!/bin/sh\ntrue\n",
  });
  const request = ask(stage, "topic", PLEASE);
  let reads = 0;
  const { run } = await makeRunner(stage, "one", {}, (ports) => ({
    ...ports,
    clock: { ...ports.clock, wall: () => Date.now() + (reads++ % 2) * days * 86_400_000 },
  }));
  await run();
  expect(answersTo(stage, request)).toBe(1);
  expect(trailerOf(stage, "topic", "State")).toBe("done");
});

test("a cache that is deleted between or during runs costs only time", async () => {
  const stage = makeRemote({
    "states/workflow.yml": "states:\n  work: { next: done }\n",
    "states/work": "#!/bin/sh\ntrue\n",
  });
  ask(stage, "first", PLEASE);
  await (await makeRunner(stage, "one")).run();
  rmSync(`${stage.person.dir}.cache-one`, { recursive: true });
  ask(stage, "second", PLEASE);
  const { run, site, runner } = await makeRunner(stage, "one", { watch: true });
  rmSync(site.location.commonDir, { recursive: true });
  const running = run();
  await until("the answer", () => trailerOf(stage, "second", "State") === "done");
  runner.shutdown();
  await running;
  expect(trailerOf(stage, "first", "State")).toBe("done");
});

/** Rejects every push that moves a branch, or every push. */
const declining = (what: string) => `#!/bin/sh
while read old new ref; do
  case $ref in ${what}) echo "policy 7: not here" >&2; exit 1;; esac
done
exit 0
`;

function hook(stage: Stage, text: string | undefined): void {
  const file = join(stage.remote.dir, "hooks/pre-receive");
  if (text === undefined) rmSync(file);
  else stage.remote.write("hooks/pre-receive", text, 0o755);
}

test("a response that its branch rejects is parked, and lands without another run", async () => {
  const stage = makeRemote({
    "states/workflow.yml": "states:\n  work: { next: done }\n",
    "states/work": "#!/bin/sh\necho ran >> $OUT/runs\n",
  });
  ask(stage, "topic", PLEASE);
  hook(stage, declining("refs/heads/*"));
  const { events } = await (await makeRunner(stage, "one")).run();
  expect(events.at(-1)).toMatchObject({ kind: "blocked", why: expect.stringContaining("policy 7") });
  expect(sideRefs(stage).map((ref) => ref.replace(/\/[^/]*$/, ""))).toEqual(["refs/trailhand/parked"]);
  hook(stage, undefined);
  await (await makeRunner(stage, "two")).run();
  expect(trailerOf(stage, "topic", "State")).toBe("done");
  expect(readFileSync(join(stage.outside, "runs"), "utf8")).toBe("ran\n");
  expect(sideRefs(stage)).toEqual([]);
});

test("a response that is rejected on every ref is kept locally, and the request is parked with the message of the server", async () => {
  const stage = makeRemote({
    "states/workflow.yml": "states:\n  work: { next: done }\n",
    "states/work": "#!/bin/sh\necho password > secret.txt\n",
  });
  ask(stage, "topic", PLEASE);
  hook(
    stage,
    `#!/bin/sh
while read old new ref; do
  if git cat-file -e "$new:secret.txt" 2>/dev/null; then echo "secrets are not taken" >&2; exit 1; fi
done
exit 0
`,
  );
  const { run, site } = await makeRunner(stage, "one");
  await run();
  expect(trailerOf(stage, "topic", "State")).toBe("parked");
  expect(stage.remote.git("log", "-1", "--format=%B", "topic")).toContain("secrets are not taken");
  expect(sideRefs(stage)).toEqual([]);
  const kept = await site.location.git.text([
    "for-each-ref",
    "--format=%(refname)",
    "refs/trailhand/salvage",
  ]);
  expect(await site.location.git.text(["show", `${kept.trim()}:secret.txt`])).toBe("password\n");
  const env = { XDG_CACHE_HOME: stage.machine("one")["XDG_CACHE_HOME"] ?? "" };
  cliIn(stage.person.dir, env, "gc", "--prune", "--keep-days", "0", "--remote", "origin");
  expect(await site.location.git.text(["for-each-ref", "refs/trailhand/salvage"])).toBe("");
});
