/**
 * Puts the parts together that run a past request again.
 *
 * What must hold: a crash leaves nothing that a later runner would take for lost work; a signal ends
 * the script, and the worktree goes.
 */
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readNamedFile } from "./local-scripts.ts";
import type { Request } from "../core/protocol/request.ts";
import type { Sha } from "../core/protocol/ids.ts";
import { StopSwitch } from "../engine/attempt/stop-switch.ts";
import type { ReplayRequest } from "../engine/attempt/replay-run.ts";
import type { TrustedConfig, Script, AttemptTree } from "../engine/ports.ts";
import type { Environment, Workspace } from "./workspace.ts";
import { createRunner } from "./create-runner.ts";

export interface ReplayRunner {
  readonly parts: Pick<ReplayRequest, "ports" | "script" | "stop" | "onTreeOpened">;
  /** The exit code of a signal that came, if one did. */
  readonly stopped: () => number | undefined;
  readonly dispose: () => Promise<void>;
}

/** Undefined when there is no script for the state. `name` is a script of the work tree. */
export async function createReplay(
  workspace: Workspace,
  env: Environment,
  contract: TrustedConfig,
  request: Request,
  directory: string,
  name: string | undefined,
): Promise<ReplayRunner | undefined> {
  const trusted = await contract.script(request.state, request.role);
  const copies = mkdtempSync(join(tmpdir(), "trailhand-replay-"));
  const script = name === undefined ? trusted : ownScript(copies, directory, name, request.state, trusted);
  if (!script) {
    rmSync(copies, { recursive: true, force: true });
    return undefined;
  }
  const { ports, dispose } = createRunner(workspace, env, () => undefined);
  const signals = onSignals();
  return {
    parts: { ports, script, stop: signals.stop, onTreeOpened: forget },
    stopped: signals.code,
    async dispose() {
      signals.end();
      await dispose();
      rmSync(copies, { recursive: true, force: true });
    },
  };
}

/** Without this record a sweep removes the worktree and saves nothing of it. */
const forget = ({ runDir }: AttemptTree): void => rmSync(join(runDir, "run.json"), { force: true });

/** A script of the work tree among the trusted ones, so that what it reads beside it is there. */
function ownScript(
  copies: string,
  directory: string,
  name: string,
  state: string,
  trusted: Script | undefined,
): Script {
  const named = readNamedFile(directory, name);
  const prompt = name.endsWith(".md");
  const path = `states/${state}${prompt ? ".md" : ""}`;
  if (trusted) cpSync(trusted.file.slice(0, -trusted.path.length), copies, { recursive: true });
  const file = join(copies, path);
  mkdirSync(dirname(file), { recursive: true });
  chmodSync(dirname(file), 0o755);
  rmSync(file, { force: true });
  copyFileSync(named.file, file);
  chmodSync(file, prompt ? 0o444 : 0o555);
  // It is no blob of the repository, and the answer of a rehearsal is not kept.
  return {
    path,
    file,
    isPrompt: prompt,
    executable: !prompt,
    isAynig: false,
    blob: (trusted?.blob ?? "0") as Sha,
  };
}

/** The exit codes of signals that end a rehearsal. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

function onSignals(): { stop: StopSwitch; code: () => number | undefined; end: () => void } {
  const stop = new StopSwitch();
  let code: number | undefined;
  const listeners = Object.entries(SIGNALS).map(([signal, number]) => {
    const listener = () => {
      code = number;
      stop.stop("shutdown");
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  return {
    stop,
    code: () => code,
    end: () => listeners.forEach(({ signal, listener }) => process.off(signal, listener)),
  };
}
