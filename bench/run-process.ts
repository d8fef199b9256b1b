/** Runs the built program as a process of its own and counts what it did. */
import { join } from "node:path";
import type { Lab } from "./lab.ts";

/** The built program. The bundled benchmarks are in the same directory. */
export const PROGRAM = join(import.meta.dirname, "trailhand.js");

export interface RunCounts {
  readonly responses: number;
  /** Claims whose response was not written, because another runner was faster. */
  readonly wastedClaims: number;
}

/** Runs `trailhand run --json` with these arguments. */
export async function runProcess(lab: Lab, args: readonly string[], env = lab.env): Promise<RunCounts> {
  const output = await lab.shell(process.execPath, [PROGRAM, "run", "--json", ...args], env);
  const { events } = JSON.parse(output.toString()) as { events: readonly { readonly kind: string }[] };
  const count = (kind: string) => events.filter((event) => event.kind === kind).length;
  return { responses: count("answered"), wastedClaims: count("lost") };
}
