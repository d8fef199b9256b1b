/** Reads how a program ended from how its sandbox ended. */
import { constants } from "node:os";
import type { Exit } from "../../core/outcome/outcome.ts";
import type { SpawnResult } from "../spawn-bounded.ts";

/** `title` names the program in an error message. */
export function exitInside(
  { exit, hasStarted, log }: Pick<SpawnResult, "exit" | "hasStarted" | "log">,
  { title }: { readonly title: string },
): Exit {
  if (exit.kind !== "exited") return exit;
  if (!hasStarted) return { kind: "not-started", why: `${title} could not be started: ${problemIn(log)}` };
  const signal = signalOf(exit.code);
  return signal === undefined ? exit : { kind: "signalled", signal };
}

/** bubblewrap reports a signal as a shell does, as 128 and its number. */
function signalOf(code: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => code === 128 + number)?.[0];
}

/** What bubblewrap says, in the words that a start without it would have had. */
function problemIn(log: string): string {
  const [, file = "", problem = log.trim()] = /^bwrap: execvp ([^\n]*): ([^\n:]+)$/m.exec(log) ?? [];
  if (problem !== "No such file or directory") return problem;
  return file.includes("/")
    ? "the program of its #! line does not exist, or is not shown in the sandbox"
    : "there is no such program on the runner's PATH, or it is not shown in the sandbox";
}
