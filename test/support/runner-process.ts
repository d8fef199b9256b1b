/**
 * A real runner that kills itself with SIGKILL at one step, for crash tests.
 *
 * Usage: crash-runner <repository> <step>, where 0 means never. There is a step before and after
 * each call of a port, and after each git process and each reply of a long-lived one. Prints each event as a line of JSON, and
 * finally the number of steps.
 */
import { GitSession } from "../../src/git/git-session.ts";
import { Git } from "../../src/git/git.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { Runner } from "../../src/engine/runner.ts";
import { openWorkspace } from "../../src/app/open-workspace.ts";
import { createRunner } from "../../src/app/create-runner.ts";

const [, , dir = ".", at = "0"] = process.argv;
let steps = 0;

function step(): void {
  if (++steps === Number(at)) process.kill(process.pid, "SIGKILL");
}

/** Wraps an object so that each method call has a step before and after it. */
function stepping<T extends object>(target: T): T {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        step();
        const result: unknown = Reflect.apply(member, target, args);
        if (!(result instanceof Promise)) return result;
        return result.finally(step);
      };
    },
  });
}

const bare = Object.getOwnPropertyDescriptor(Git.prototype, "run")?.value as Git["run"];
Git.prototype.run = function run(...args: Parameters<Git["run"]>) {
  return bare.apply(this, args).finally(step);
};
const ask = Object.getOwnPropertyDescriptor(GitSession.prototype, "ask")?.value as GitSession["ask"];
GitSession.prototype.ask = function <T>(...args: Parameters<typeof ask<T>>): Promise<T> {
  return ask.apply(this, args as Parameters<typeof ask>).finally(step) as Promise<T>;
};

const site = await openWorkspace(dir, process.env);
const { ports, dispose } = createRunner(site, process.env, (event) =>
  console.log(JSON.stringify({ at: Math.round(performance.now()), ...event })),
);
const watched: Ports = {
  ...ports,
  repository: stepping(ports.repository),
  trees: stepping(ports.trees),
  scripts: stepping(ports.scripts),
};
const runner = new Runner(watched, {
  once: false,
  watch: false,
  branches: [],
  concurrency: undefined,
  ttlMs: 3_600_000,
  shared: false,
  pollInterval: { shortestMs: 1000, longestMs: 1000 },
  onWake: () => undefined,
});
await runner.run();
await dispose();
console.log(JSON.stringify({ kind: "end", steps, at: performance.now() }));
