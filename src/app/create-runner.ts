/**
 * Creates the parts of a runner on this machine.
 *
 * Invariants:
 * - Two runners share only the repository and the machine.
 */
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { composeMessage } from "../core/protocol/compose.ts";
import { HEADS, type Branch, type Ref, type RunId, type Sha } from "../core/protocol/ids.ts";
import { salvageRef } from "../core/protocol/refs.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { CannotSign, UserError, MESSAGES } from "../core/messages/messages.ts";
import { remoteEnv, type Setting } from "../git/git.ts";
import { closeSessions } from "../git/sessions.ts";
import { BOT, type LocalRepository } from "../git/local-repository.ts";
import { ObjectHold } from "../git/object-hold.ts";
import { connectionSettings } from "../git/remote/cache-dir.ts";
import type { Address } from "../git/remote/transport.ts";
import type { RunRecord } from "../git/attempt/attempt-folder.ts";
import { AttemptStore } from "../git/attempt/attempt-store.ts";
import { RUNNER } from "../git/attempt/attempt-sweeper.ts";
import { BackgroundRemover } from "../process/background-remover.ts";
import { endRun } from "../process/process-group.ts";
import { isDead, isGone, thisHolder, thisOwner } from "../process/process-identity.ts";
import { Sandbox } from "../process/sandbox/sandbox.ts";
import { ScriptRunner } from "../process/script-runner.ts";
import type { Clock, RunnerEvent, Machine, Ports } from "../engine/ports.ts";
import { cacheBase, stateFolder, userName, type Environment, type Workspace } from "./workspace.ts";
import { requireTrustedConfig } from "./open-workspace.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import { LONGEST_TIMER_MS } from "../core/util/duration.ts";
import { APP } from "./timing.ts";

export interface RunnerParts {
  readonly ports: Ports;
  /** Removes the worktrees of this runner, and ends its long-lived git processes. */
  readonly dispose: () => Promise<void>;
}

export function createRunner(
  workspace: Workspace,
  env: Environment,
  report: (event: RunnerEvent) => void,
): RunnerParts {
  const { location, repository, cache } = workspace;
  const holder = thisHolder();
  const id = randomUUID();
  repository.setAsideInto(cache.quarantine);
  const remover = new BackgroundRemover(cache.trash);
  const trees = new AttemptStore({
    location,
    committer: location.person ?? BOT,
    remote: workspace.remote && remoteSettings(workspace.remote.transport.address),
    connectionEnv: () => workspace.remote?.transport.environment ?? remoteEnv(env, []),
    submodules: cache.submodules,
    foreignEnv: () =>
      workspace.remote?.transport.environment ?? remoteEnv(env, connectionSettings(location.settings)),
    pollCount: () => repository.pollCount,
    bringFrom: workspace.remote ? cache.brought : location.top,
    root: cache.runs,
    oldRoot: cache.worktrees,
    quarantine: cache.quarantine,
    objectHold: new ObjectHold(location),
    trees: cache.trees,
    trash: cache.trash,
    removeLater: (name) => remover.remove(name),
    own: join(cache.runs, `${RUNNER}${id.slice(0, 8)}`),
    owner: thisOwner(),
    isGone,
    endProcesses: endRun,
    isAnswered: ({ branch, run, request }) => repository.isAnswered(branch as Branch, run, request),
    keep: (record, value) => keepSalvage(repository, record, value),
    salvageMessage,
  });
  const scripts = new ScriptRunner({
    env,
    committer: location.person ?? BOT,
    logs: cache.logs,
    cache: cache.shared,
    graceMs: APP.killGraceMs,
    sandbox: new Sandbox({ env, hidden: hiddenFolders(workspace, env) }),
    onEnd: (runDir, isIsolated) => trees.noteEnd(runDir, isIsolated),
  });
  const machine: Machine = {
    runner: `${userName()}@${hostname()}`,
    holder,
    newRun: () => randomUUID() as string as RunId,
    newNonce: () => randomBytes(16).toString("hex"),
    random: () => randomInt(2 ** 47) / 2 ** 47,
    isDead,
  };
  const trustedConfig = async (target: Branch, heads: readonly Head[]) => {
    const config = await requireTrustedConfig(workspace, target, heads);
    // This runner would park what it cannot prove, although another runner could prove it.
    if (config.workflow.proof === "pusher" && !repository.canReadPushes)
      throw new UserError(MESSAGES.cannotAskPusher("run"));
    // A script would run although its response could not be written. Another runner may have a key.
    const problem = config.workflow.sign ? await repository.signingProblem() : undefined;
    if (problem !== undefined) throw new CannotSign(problem);
    return config;
  };
  const ports: Ports = { repository, trees, scripts, clock, machine, trustedConfig, report };
  const dispose = async () => {
    trees.dispose();
    await closeSessions(location.git);
  };
  return { ports, dispose };
}

/** What no attempt may see: the caches of all runners, and the person's repository with its checkout. */
export function hiddenFolders({ location }: Workspace, env: Environment): string[] {
  const own = [location.commonDir, ...(location.top === undefined ? [] : [location.top])];
  return [cacheBase(env), stateFolder(env), ...own];
}

/** The remote of a runner, under the name that every clone gives it. */
const remoteSettings = ({ fetch, push }: Address): Setting[] => [
  ["remote.origin.url", fetch],
  ...(push === fetch ? [] : [["remote.origin.pushurl", push] as const]),
  ["remote.origin.fetch", `+${HEADS}*:refs/remotes/origin/*`],
];

async function keepSalvage(repository: LocalRepository, record: RunRecord, value: Sha): Promise<Ref> {
  const ref = salvageRef(record.branch as Branch, record.run);
  const swap = await repository.swap([{ ref, expected: null, next: value }], "salvage");
  if (swap.kind === "blocked") await repository.keepLocally(ref, value);
  else if (swap.kind !== "landed" && !(await repository.read([ref])).get(ref)) {
    throw new UserError(MESSAGES.notSaved(ref));
  }
  return ref;
}

function salvageMessage(record: RunRecord): string {
  return composeMessage({
    header: `salvage: ${record.state} on ${record.branch}: its runner died`,
    trailers: [
      { key: KEY.branch, value: record.branch },
      { key: KEY.request, value: record.request },
      { key: KEY.run, value: record.run },
    ],
  });
}

const clock: Clock = {
  mono: () => performance.now(),
  wall: () => Date.now(),
  sleep(ms, until) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, LONGEST_TIMER_MS));
      const end = () => {
        clearTimeout(timer);
        resolve();
      };
      until?.then(end, end);
    });
  },
};
