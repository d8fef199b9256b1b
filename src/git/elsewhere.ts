/**
 * Whether a request that names no branch was answered on another one.
 *
 * What must hold: without it, `git switch -c` in a script would ask for the same again on each new
 * branch. Nothing is started for a request that names its branch, and one process where no other
 * branch holds the request.
 */
import { branchOf, type Branch } from "../core/text/ids.ts";
import { parseMessage, valueOf } from "../core/text/message.ts";
import type { Request } from "../core/history/request.ts";
import type { Git } from "./exec.ts";
import { LOG_FORMAT, parseLog, parseRecords } from "./parse.ts";

/** Returns the other branch. Commits of the trusted branch count for none. */
export async function answeredElsewhere(
  git: Git,
  { commit, branch, bound }: Request,
  target: Branch,
): Promise<Branch | undefined> {
  if (bound) return undefined;
  const format = "--format=%(refname)%00%(objectname)%00";
  const holding = parseRecords(
    await git.text(["for-each-ref", format, "--contains", commit, "refs/heads"]),
    2,
  );
  for (const [ref = "", value = ""] of holding) {
    const other = branchOf(ref);
    if (value === commit || !other || other === branch || other === target) continue;
    const args = ["log", "--first-parent", "--fixed-strings", `--grep=Answers: ${commit}`];
    const range = [LOG_FORMAT, "--end-of-options", ref, `^${commit}`, "--"];
    const answers = parseLog(await git.text([...args, ...range]));
    const isAnswer = (message: string) => valueOf(parseMessage(message).trailers, "Answers") === commit;
    if (answers.some(({ message }) => isAnswer(message))) return other;
  }
  return undefined;
}
