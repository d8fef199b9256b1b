/**
 * Finds the request below heads that have no state: the mark of a person who took over.
 *
 * What must hold: one git process for any number of heads, none for heads that were asked for
 * before (what lies below a commit never changes); commits of the trusted branch do not count.
 */
import { type Branch, branchOf, HEADS, refOf, type Sha } from "../core/protocol/ids.ts";
import { type Commit, type NotARequest, parseRequest, type Request } from "../core/protocol/request.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { isTerminal } from "../core/workflow/workflow.ts";
import type { Git } from "./git.ts";
import { LOG_FORMAT, parseLog, parseRecords } from "./parse-output.ts";
import { parseMessage, valueOf } from "../core/protocol/message.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";

export class HumanTakeovers {
  readonly #git: Git;
  readonly #known = new Map<string, Request | undefined>();

  constructor(git: Git) {
    this.#git = git;
  }

  async find(target: Branch, heads: readonly Head[]): Promise<ReadonlyMap<string, Request>> {
    const plain = heads.filter(
      ({ reading, branch }) => reading.kind === "none" && isPlain(reading) && branch !== target,
    );
    const present = new Set(plain.map(idOf));
    for (const id of this.#known.keys()) if (!present.has(id)) this.#known.delete(id);
    const unknown = plain.filter((head) => !this.#known.has(idOf(head)));
    if (unknown.length > 0) await this.#read(target, unknown);
    const found = new Map<string, Request>();
    for (const head of plain) {
      const request = this.#known.get(idOf(head));
      if (request) found.set(head.key, request);
    }
    return found;
  }

  async #read(target: Branch, heads: readonly Head[]): Promise<void> {
    const stdin = [...heads.map(({ commit }) => commit), `^${refOf(target)}`, ""].join("\n");
    const args = ["log", "--first-parent", "--stdin", LOG_FORMAT];
    const commits = new Map<Sha, Commit>();
    for (const commit of parseLog(await this.#git.text(args, { stdin }))) commits.set(commit.commit, commit);
    for (const head of heads) this.#known.set(idOf(head), firstRequest(head, commits));
  }
}

/** Approvals ask for nothing themselves, and what they stand on may be void. */
const isPlain = ({ reason }: NotARequest): boolean => reason === "no-state" || reason === "approves";

/** The same commit may be the head of two branches, and mean another thing on each. */
const idOf = ({ key, commit }: Head): string => `${key} ${commit}`;

/** The nearest commit below that speaks of a state on this branch; an ended one took nothing over. */
function firstRequest(head: Head, commits: ReadonlyMap<Sha, Commit>): Request | undefined {
  let at = commits.get(head.commit);
  while (at) {
    const asked = parseRequest(head.branch, at);
    if (asked.kind === "request") return isTerminal(asked.state) ? undefined : asked;
    if (!isPlain(asked)) return undefined;
    const [parent] = at.parents;
    at = parent && commits.get(parent);
  }
  return undefined;
}

/** Returns the other branch. Commits of the trusted branch count for none. */
export async function answeredElsewhere(
  git: Git,
  { commit, branch, bound }: Request,
  target: Branch,
): Promise<Branch | undefined> {
  if (bound) return undefined;
  const format = "--format=%(refname)%00%(objectname)%00";
  const holding = parseRecords(await git.text(["for-each-ref", format, "--contains", commit, HEADS]), 2);
  for (const [ref = "", value = ""] of holding) {
    const other = branchOf(ref);
    if (value === commit || !other || other === branch || other === target) continue;
    const args = ["log", "--first-parent", "--fixed-strings", `--grep=${KEY.answers}: ${commit}`];
    const range = [LOG_FORMAT, "--end-of-options", ref, `^${commit}`, "--"];
    const answers = parseLog(await git.text([...args, ...range]));
    const isAnswer = (message: string) => valueOf(parseMessage(message).trailers, KEY.answers) === commit;
    if (answers.some(({ message }) => isAnswer(message))) return other;
  }
  return undefined;
}
