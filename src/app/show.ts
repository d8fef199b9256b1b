/** Reads one commit as a request or a response. */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { parseBranch, type Branch } from "../core/protocol/ids.ts";
import { parseConventionalCommit, parseMessage, valueOf, type Message } from "../core/protocol/message.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import { parseRequest, type Commit, type HeadReading } from "../core/protocol/request.ts";
import { isTerminal } from "../core/workflow/workflow.ts";
import { readTrail } from "../git/local-repository.ts";
import type { Workspace } from "./workspace.ts";

export interface CommitReading {
  readonly commit: string;
  readonly message: Message;
  /** What the message mentions, by the rules of conventional commits. */
  readonly mentioned: Pick<
    ReturnType<typeof parseConventionalCommit>,
    "type" | "scope" | "references" | "mentions"
  >;
  readonly reading: HeadReading;
  /** True when the work ends at this commit. */
  readonly isEnd: boolean;
}

/** Throws a UserError when the name is not a commit. */
export async function readCommit(workspace: Workspace, name: string): Promise<CommitReading> {
  const commit = await requireCommit(workspace, name);
  const message = parseMessage(commit.message);
  const boundTo = valueOf(message.trailers, KEY.branch);
  const branch = (boundTo === undefined ? undefined : parseBranch(boundTo)) ?? ("?" as Branch);
  const reading = parseRequest(branch, commit);
  const { type, scope, references, mentions } = parseConventionalCommit(message);
  return {
    commit: commit.commit,
    message,
    mentioned: { type, scope, references, mentions },
    reading,
    isEnd: reading.kind === "request" && isTerminal(reading.state),
  };
}

/** Throws a UserError when the name is not a commit. */
export async function requireCommit({ location }: Workspace, name: string): Promise<Commit> {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`];
  const { code, stdout } = await location.git.run(args, { allowedCodes: [1, 128] });
  const [commit] = code === 0 ? await readTrail(location, stdout.trim(), 1) : [];
  if (!commit) throw new UserError(MESSAGES.noSuchCommit(name));
  return commit;
}
