/**
 * Which program answers a call, and what it reads: the script itself, or an agent with a prompt.
 *
 * What must hold: a program is taken from the runner's PATH or from the trusted commit, never from
 * the work; the prompt travels on standard input, never as an argument.
 */
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { originOf } from "../core/protocol/authorship.ts";
import { renderPrompt } from "../core/outcome/prompt.ts";
import type { ScriptCall } from "../engine/ports.ts";

/** The program to start. */
export interface AgentProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** What it reads on standard input; undefined: nothing. */
  readonly input?: string;
  /** How it is called where it cannot be started. */
  readonly title: string;
}

/** A sentence says why there is no such program; undefined: nobody was named to answer the prompt. */
export function agentProgram(
  call: ScriptCall,
  ours: Readonly<Record<string, string | undefined>>,
): AgentProgram | string | undefined {
  const { script, agent } = call;
  if (!script.isPrompt) return { file: script.file, args: [], title: "the script" };
  const line = ours["TRAILHAND_AGENT"] ?? "";
  if (!agent) {
    if (line.trim() === "") return undefined;
    return { file: "/bin/sh", args: ["-c", line], input: promptOf(call), title: "the agent's shell" };
  }
  const [name = "", ...args] = agent.run;
  const file = locate(name, script.file.slice(0, -script.path.length));
  if (file === undefined) {
    return `the program "${name}" of the agent "${agent.name}" would be the work's own; name one of the PATH, or states/…`;
  }
  return { file, args, input: promptOf(call), title: `the program "${name}" of the agent "${agent.name}"` };
}

/** A name is looked for on the PATH; a path below `states/` is the trusted commit's. */
function locate(name: string, trusted: string): string | undefined {
  if (!name.includes("/") || isAbsolute(name)) return name;
  return /^states\/(?!.*\.\.)/.test(name) ? join(trusted, name) : undefined;
}

function promptOf(call: ScriptCall): string {
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
    text: readFileSync(call.script.file, "utf8"),
    request,
    origin: originOf(request, trail),
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
