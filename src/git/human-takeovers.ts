/**
 * Finds the request below heads without a state: there, a person took over the branch.
 *
 * Invariants:
 * - All new heads are read with one git process, and known heads with none: the history below a
 *   commit never changes.
 * - Commits of the trusted branch do not count.
 */
import { type Branch, branchOf, HEADS, refOf, type Sha } from "../core/protocol/ids.ts";
import { type Commit, type NotARequest, parseRequest, type Request } from "../core/protocol/request.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { isTerminal } from "../core/workflow/workflow.ts";
import { forEachRef } from "./for-each-ref.ts";
import type { Git } from "./git.ts";
import { LOG_FORMAT, parseLog } from "./parse-output.ts";
import { parseMessage, valueOf } from "../core/protocol/message.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";

export class HumanTakeovers {
  readonly #git: Git;
  readonly #requests = new Map<string, Request | undefined>();

  constructor(git: Git) {
    this.#git = git;
  }

  async find(target: Branch, heads: readonly Head[]): Promise<ReadonlyMap<string, Request>> {
    const plain = heads.filter(
      ({ reading, branch }) => reading.kind === "none" && isPlain(reading) && branch !== target,
    );
    const present = new Set(plain.map(idOf));
    for (const id of this.#requests.keys()) if (!present.has(id)) this.#requests.delete(id);
    const unread = plain.filter((head) => !this.#requests.has(idOf(head)));
    if (unread.length > 0) await this.#read(target, unread);
    const takeovers = new Map<string, Request>();
    for (const head of plain) {
      const request = this.#requests.get(idOf(head));
      if (request) takeovers.set(head.key, request);
    }
    return takeovers;
  }

  async #read(target: Branch, heads: readonly Head[]): Promise<void> {
    const stdin = [...heads.map(({ commit }) => commit), `^${refOf(target)}`, ""].join("\n");
    const args = ["log", "--first-parent", "--stdin", LOG_FORMAT];
    const commits = new Map<Sha, Commit>();
    for (const commit of parseLog(await this.#git.text(args, { stdin }))) commits.set(commit.commit, commit);
    for (const head of heads) this.#requests.set(idOf(head), firstRequest(head, commits));
  }
}

/** An approval is not a request, and the request below it may be void. */
const isPlain = ({ reason }: NotARequest): boolean => reason === "no-state" || reason === "approves";

/** The same commit may be the head of two branches, with a different meaning on each. */
const idOf = ({ key, commit }: Head): string => `${key} ${commit}`;

/** The nearest request for this branch below its head; undefined if it is in a final state. */
function firstRequest(head: Head, commits: ReadonlyMap<Sha, Commit>): Request | undefined {
  let commit = commits.get(head.commit);
  while (commit) {
    const reading = parseRequest(head.branch, commit);
    if (reading.kind === "request") return isTerminal(reading.state) ? undefined : reading;
    if (!isPlain(reading)) return undefined;
    const [parent] = commit.parents;
    commit = parent && commits.get(parent);
  }
  return undefined;
}

/** The other branch that answered an unbound request. Commits of the trusted branch do not count. */
export async function answeredElsewhere(
  git: Git,
  { commit, branch, bound }: Request,
  target: Branch,
): Promise<Branch | undefined> {
  if (bound) return undefined;
  const branches = new Map<string, string>();
  await forEachRef(git, {
    fields: ["%(refname)", "%(objectname)"],
    options: ["--contains", commit],
    patterns: [HEADS],
    take: ([ref = "", value = ""]) => void branches.set(ref, value),
  });
  for (const [ref, value] of branches) {
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
