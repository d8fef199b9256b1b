/**
 * Finds the program that answers a script call: the script itself, or an agent with a prompt.
 *
 * Invariants:
 * - A program comes from the runner's PATH or from the trusted commit, never from the work.
 * - The prompt is passed on standard input, never as an argument.
 */
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { findOrigin } from "../core/protocol/origin.ts";
import { renderPrompt } from "../core/outcome/prompt.ts";
import type { ScriptCall } from "../engine/ports.ts";

export interface AgentProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** Its standard input; undefined: none. */
  readonly input?: string;
  /** Its name in an error message. */
  readonly title: string;
}

/**
 * `states` is the folder with the files of the trusted commit, `shownStates` its path for the program.
 * A string says why the program is not allowed; undefined: no agent is configured for the prompt.
 */
export function agentProgram(
  call: ScriptCall,
  runnerEnv: Readonly<Record<string, string | undefined>>,
  states: string,
  shownStates: string,
): AgentProgram | string | undefined {
  const { script, agent } = call;
  const scriptFile = join(states, script.path);
  if (!script.isPrompt) return { file: join(shownStates, script.path), args: [], title: "the script" };
  const command = runnerEnv["TRAILHAND_AGENT"] ?? "";
  if (!agent) {
    if (command.trim() === "") return undefined;
    return {
      file: "/bin/sh",
      args: ["-c", command],
      input: promptOf(call, scriptFile),
      title: "the agent's shell",
    };
  }
  const [name = "", ...args] = agent.run;
  const file = locate(name, shownStates);
  if (file === undefined) {
    return `the program "${name}" of the agent "${agent.name}" would be the work's own; name one of the PATH, or states/…`;
  }
  return {
    file,
    args,
    input: promptOf(call, scriptFile),
    title: `the program "${name}" of the agent "${agent.name}"`,
  };
}

/** A bare name is found on the PATH. A path below `states/` is a file of the trusted commit. */
function locate(name: string, trusted: string): string | undefined {
  if (!name.includes("/") || isAbsolute(name)) return name;
  return /^states\/(?!.*\.\.)/.test(name) ? join(trusted, name) : undefined;
}

function promptOf(call: ScriptCall, file: string): string {
  const {
    request,
    trail,
    plan,
    children,
    carried: item,
    writes,
    forbid = [],
    previous,
    salvage,
    next,
  } = call;
  return renderPrompt({
    text: readFileSync(file, "utf8"),
    request,
    origin: findOrigin(request, trail),
    plan,
    children,
    owns: item.owns,
    writes,
    forbid,
    previous,
    salvage: salvage.at(-1),
    next,
  });
}
