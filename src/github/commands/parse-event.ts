/**
 * Reads what an event of GitHub asks for.
 *
 * What must hold: it never throws; a payload of another shape asks for nothing, and the reason is
 * said; what this app did itself asks for nothing; nobody is believed to be anybody but the sender.
 */
import * as z from "zod";
import { branchOf, parseStateName } from "../../core/protocol/ids.ts";
import { parseCommands } from "./command-table.ts";
import {
  account,
  checkRun,
  checkSuite,
  comment,
  fullName,
  installation,
  installationRepositories,
  issue,
  issueComment,
  pull,
  push,
  repository,
  review,
  reviewComment,
  scheduled,
  type AccountPayload,
} from "./event-schema.ts";
import type { Actor, Intent, CommentLocation } from "./intent.ts";
import type { Repo } from "../api/repo.ts";

/** Who this app is, as GitHub numbers it. */
export interface OwnIdentity {
  readonly appId?: number | undefined;
  /** The accounts by which it writes. */
  readonly botIds: readonly number[];
  /** Its name, as people mention it. */
  readonly slug: string;
}

export interface EventReading {
  readonly intents: readonly Intent[];
  /** Why there are none. */
  readonly reason?: string;
}

/** Labels that name a state. */
const STATE_LABEL = "state:";

const ignored = (reason: string): EventReading => ({ intents: [], reason });
const intentsOf = (...intents: readonly Intent[]): EventReading => ({ intents });

/** Reads an event by the name in its header. */
export function readEvent(name: string, payload: unknown, self: OwnIdentity): EventReading {
  const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
  if (!read) return ignored(`${name} asks for nothing`);
  const sender = z.object({ sender: account.optional() }).safeParse(payload);
  const id = sender.success ? sender.data.sender?.id : undefined;
  if (id !== undefined && self.botIds.includes(id)) return ignored("it is this app's own doing");
  return read(payload, self);
}

type Reader = (payload: unknown, self: OwnIdentity) => EventReading;

/** A reader of payloads of one shape; of any other it says where they differ. */
function withSchema<T>(schema: z.ZodType<T>, read: (payload: T, self: OwnIdentity) => EventReading): Reader {
  return (payload, self) => {
    const parsed = schema.safeParse(payload);
    if (parsed.success) return read(parsed.data, self);
    const [issue] = parsed.error.issues;
    return ignored(`it is of another shape: ${issue?.path.join(".") || "it"}: ${issue?.message ?? ""}`);
  };
}

const actorOf = ({ id, login, type }: AccountPayload): Actor => ({ id, login, isBot: type !== "User" });

/** The commands in a text, as one intent. */
function commandIntent(
  from: {
    readonly repo: Repo;
    readonly sender: AccountPayload;
    readonly location: CommentLocation;
    readonly event: string;
  },
  text: string | null | undefined,
  self: OwnIdentity,
): EventReading {
  const { repo, sender, location, event } = from;
  const actor = actorOf(sender);
  if (!text || parseCommands(text, self.slug).length === 0) return ignored("there is no command in it");
  return intentsOf({ kind: "command", repo, actor, location, text, event });
}

/** A new comment; of one that somebody else is said to have written nothing is believed. */
function newCommentIntent(
  from: {
    readonly repo: Repo;
    readonly sender: AccountPayload;
    readonly location: CommentLocation;
    readonly event: string;
  },
  { user, body, performed_via_github_app: via }: z.infer<typeof comment>,
  self: OwnIdentity,
): EventReading {
  if (self.appId !== undefined && via?.id === self.appId) return ignored("it is this app's own doing");
  if (user?.id !== from.sender.id) return ignored("its author is not who sent it");
  return commandIntent(from, body, self);
}

const repoOf = ({ owner, name }: z.infer<typeof repository>): Repo => ({ owner: owner.login, name });
const combine = (one: EventReading, ...others: readonly EventReading[]): EventReading => {
  const intents = [one, ...others].flatMap((each) => each.intents);
  return intents.length > 0 ? { intents } : one;
};

const READERS: Readonly<Record<string, Reader>> = {
  push: withSchema(push, ({ repository, ref }) => {
    const branch = branchOf(ref);
    if (branch === undefined) return ignored("no branch moved");
    return intentsOf({ kind: "wake", repo: repoOf(repository), branch });
  }),

  issues: withSchema(issue, ({ action, issue, label, repository, sender }, self) => {
    const repo = repoOf(repository);
    const { number, title } = issue;
    const actor = actorOf(sender);
    if (action === "opened") {
      const location: CommentLocation = { kind: "issue", number, id: undefined };
      return newCommentIntent({ repo, sender, location, event: `issue:${number}:opened` }, issue, self);
    }
    if (action === "closed" || action === "reopened")
      return intentsOf({ kind: "wake", repo, branch: `trailhand/issue-${number}` });
    if (action !== "labeled" || !label?.name.startsWith(STATE_LABEL))
      return ignored(`${action} asks for nothing`);
    const state = parseStateName(label.name.slice(STATE_LABEL.length).trim());
    if (!state) return ignored("its label names no state");
    const text = { number, title, body: issue.body ?? "" };
    // The label may come a second time, for another round; a second delivery says the same moment.
    const event = `issue:${number}:labeled:${state}:${issue.updated_at}`;
    return intentsOf({ kind: "label", repo, actor, issue: text, state, event });
  }),

  issue_comment: withSchema(issueComment, ({ action, issue, comment, repository, sender }, self) => {
    if (action !== "created") return ignored("only new comments count");
    const location: CommentLocation = { kind: "issue-comment", number: issue.number, id: comment.id };
    return newCommentIntent(
      { repo: repoOf(repository), sender, location, event: `comment:${comment.id}` },
      comment,
      self,
    );
  }),

  pull_request: withSchema(pull, ({ action, pull_request: it, repository, sender }, self) => {
    const done = pullActionOf(action, it.merged === true);
    if (!done) return ignored(`${action} asks for nothing`);
    const repo = repoOf(repository);
    const { number } = it;
    const actor = actorOf(sender);
    const head = { ref: it.head.ref, sha: it.head.sha, isFork: isFork(it) };
    const event = `pull:${number}:${action}:${it.head.sha}:${it.updated_at}`;
    const seen = intentsOf({ kind: "pull", repo, actor, number, action: done, head, event });
    if (action !== "opened") return seen;
    const location: CommentLocation = { kind: "pull", number, id: undefined };
    const said = newCommentIntent({ repo, sender, location, event: `pull:${number}:opened` }, it, self);
    return combine(seen, said);
  }),

  pull_request_review: withSchema(
    review,
    ({ action, review: it, pull_request, repository, sender }, self) => {
      if (action !== "submitted") return ignored("only new reviews count");
      const repo = repoOf(repository);
      const { number } = pull_request;
      const location: CommentLocation = { kind: "review", number, id: it.id };
      const said = newCommentIntent({ repo, sender, location, event: `review:${it.id}` }, it, self);
      const actor = actorOf(sender);
      const verdict = it.state.toLowerCase();
      if (it.user?.id !== actor.id) return said;
      if (!it.commit_id || (verdict !== "approved" && verdict !== "changes_requested")) return said;
      const event = `review:${it.id}:${verdict}`;
      return combine(
        intentsOf({ kind: "review", repo, actor, number, verdict, commit: it.commit_id, event }),
        said,
      );
    },
  ),

  pull_request_review_comment: withSchema(
    reviewComment,
    ({ action, comment, pull_request, repository, sender }, self) => {
      if (action !== "created") return ignored("only new comments count");
      const location: CommentLocation = {
        kind: "review-comment",
        number: pull_request.number,
        id: comment.id,
      };
      const event = `review-comment:${comment.id}`;
      return newCommentIntent({ repo: repoOf(repository), sender, location, event }, comment, self);
    },
  ),

  check_run: withSchema(checkRun, ({ action, check_run: it, requested_action, repository, sender }, self) => {
    const repo = repoOf(repository);
    const isOwn = self.appId !== undefined && it.app?.id === self.appId;
    const [commit, branch] = [it.head_sha, it.check_suite?.head_branch ?? undefined];
    if (action === "completed") {
      if (isOwn) return ignored("it is this app's own doing");
      if (!it.conclusion) return ignored("it has no conclusion");
      return intentsOf({ kind: "check", repo, name: it.name, commit, conclusion: it.conclusion });
    }
    const asked = action === "rerequested" ? "retry" : requested_action?.identifier;
    if ((action !== "rerequested" && action !== "requested_action") || asked === undefined)
      return ignored(`${action} asks for nothing`);
    if (!isOwn) return ignored("it is a check of another app");
    const event = `check:${it.id}:${asked}`;
    return buttonIntent({ repo, sender, action: asked, commit, branch, event });
  }),

  check_suite: withSchema(checkSuite, ({ action, check_suite: it, repository, sender }, self) => {
    if (action !== "rerequested") return ignored(`${action} asks for nothing`);
    if (self.appId === undefined || it.app?.id !== self.appId) return ignored("it is a check of another app");
    const event = `check-suite:${it.id}:retry:${it.updated_at ?? ""}`;
    const from = { repo: repoOf(repository), sender, action: "retry", commit: it.head_sha, event };
    return buttonIntent({ ...from, branch: it.head_branch ?? undefined });
  }),

  installation: withSchema(installation, ({ action, repositories }) => {
    const wanted = ["created", "unsuspend", "new_permissions_accepted"].includes(action);
    return wanted ? sweepOf(repositories ?? []) : ignored(`${action} asks for nothing`);
  }),

  installation_repositories: withSchema(installationRepositories, ({ action, repositories_added }) =>
    action === "added" ? sweepOf(repositories_added) : ignored(`${action} asks for nothing`),
  ),

  repository: withSchema(z.object({ action: z.string(), repository }), ({ action, repository }) => {
    const wanted = ["created", "renamed", "transferred", "unarchived", "edited"].includes(action);
    return wanted
      ? intentsOf({ kind: "sweep", repos: [repoOf(repository)] })
      : ignored(`${action} asks for nothing`);
  }),

  // What GitHub Actions calls its timer and its button.
  schedule: withSchema(scheduled, ({ repository: one }) =>
    intentsOf({ kind: "sweep", repos: one ? [repoOf(one)] : [] }),
  ),
  workflow_dispatch: withSchema(scheduled, ({ repository: one }) =>
    intentsOf({ kind: "sweep", repos: one ? [repoOf(one)] : [] }),
  ),
};

function pullActionOf(
  action: string,
  merged: boolean,
): "opened" | "synchronized" | "closed" | "merged" | undefined {
  if (action === "opened" || action === "reopened") return "opened";
  if (action === "synchronize") return "synchronized";
  if (action !== "closed") return undefined;
  return merged ? "merged" : "closed";
}

/** A head whose repository is gone, or is not the one that the pull request is for. */
const isFork = ({ head, base }: z.infer<typeof pull>["pull_request"]): boolean =>
  head.repo?.id !== base.repo.id;

function buttonIntent({
  sender,
  ...rest
}: Omit<Extract<Intent, { kind: "button" }>, "kind" | "actor"> & {
  readonly sender: AccountPayload;
}): EventReading {
  return intentsOf({ kind: "button", actor: actorOf(sender), ...rest });
}

function sweepOf(all: readonly { readonly full_name: string }[]): EventReading {
  const repos = all.flatMap(({ full_name }): Repo[] => {
    const [owner = "", name = ""] = fullName.safeParse(full_name).data?.split("/") ?? [];
    return name === "" ? [] : [{ owner, name }];
  });
  return repos.length > 0 ? intentsOf({ kind: "sweep", repos }) : ignored("it names no repository");
}
