/**
 * Creates the parts that run a past request again.
 *
 * Invariants:
 * - A crash leaves nothing that a later runner would take for lost work.
 */
import { chmodSync, copyFileSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { readNamedFile } from "./local-scripts.ts";
import type { Request } from "../core/protocol/request.ts";
import type { Sha } from "../core/protocol/ids.ts";
import { StopSwitch } from "../engine/attempt/stop-switch.ts";
import type { ReplayRequest } from "../engine/attempt/replay-run.ts";
import type { AttemptTree } from "../engine/attempt-trees.ts";
import type { TrustedConfig, Script } from "../engine/ports.ts";
import type { Environment, Workspace } from "./workspace.ts";
import { createRunner } from "./create-runner.ts";

export interface ReplayRunner {
  readonly parts: Pick<ReplayRequest, "ports" | "script" | "stop" | "onTreeOpened">;
  /** Ends the script. */
  readonly stop: () => void;
  readonly isStopped: () => boolean;
  readonly dispose: () => Promise<void>;
}

/** A script of the worktree, where a person named one. */
export interface ReplayScript {
  readonly directory: string;
  readonly name: string | undefined;
}

/** Undefined when there is no script for the state. */
export async function createReplay(
  workspace: Workspace,
  env: Environment,
  config: TrustedConfig,
  request: Request,
  { directory, name }: ReplayScript,
): Promise<ReplayRunner | undefined> {
  const trusted = await config.script(request.state, request.role);
  const script = name === undefined ? trusted : ownScript(directory, name, request.state, trusted);
  if (!script) return undefined;
  const { ports, dispose } = createRunner(workspace, env, () => undefined);
  const stop = new StopSwitch();
  let isStopped = false;
  return {
    parts: { ports, script, stop, onTreeOpened: forget },
    stop() {
      isStopped = true;
      stop.stop("shutdown");
    },
    isStopped: () => isStopped,
    dispose,
  };
}

/** Without this record, a sweep removes the worktree and saves nothing of it. */
const forget = ({ runDir }: AttemptTree): void => rmSync(join(runDir, "run.json"), { force: true });

/** A script of the worktree, among copies of the trusted ones, which it may read. */
function ownScript(directory: string, name: string, state: string, trusted: Script | undefined): Script {
  const named = readNamedFile(directory, name);
  const isPrompt = name.endsWith(".md");
  const path = `states/${state}${isPrompt ? ".md" : ""}`;
  const copyTo = (folder: string): void => {
    trusted?.copyTo(folder);
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true });
    copyFileSync(named.file, file);
    chmodSync(file, isPrompt ? 0o444 : 0o555);
  };
  // The script is not a blob of the repository, and the response of a replay is not kept.
  const blob = (trusted?.blob ?? "0") as Sha;
  return { path, copyTo, isPrompt, executable: !isPrompt, isAynig: false, blob };
}
