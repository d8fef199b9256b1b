/**
 * Reads what a GitHub event asks for.
 *
 * Invariants:
 * - It never throws. A payload of an unexpected shape asks for nothing, and the reason says why.
 * - Events that Trailhand caused itself ask for nothing.
 * - The actor of an intent is always the sender of the event.
 */
import * as z from "zod";
import { branchOf, parseStateName } from "../../core/protocol/ids.ts";
import { parseCommands } from "./parse-commands.ts";
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

/** Trailhand's own identity on GitHub. */
export interface OwnIdentity {
  readonly appId?: number | undefined;
  /** The accounts that it writes as. */
  readonly botIds: readonly number[];
  /** The name of the App, as people mention it. */
  readonly slug: string;
}

export interface EventReading {
  readonly intents: readonly Intent[];
  /** Why there are no intents. */
  readonly reason?: string;
}

/** The prefix of labels that name a state. */
const STATE_LABEL = "state:";

const OWN_EVENT = "Trailhand caused the event itself";
const OTHER_CHECK = "the check belongs to another App";
const unusedAction = (action: string): EventReading =>
  ignored(`Trailhand does not use the action ${action} of this event`);
const ignored = (reason: string): EventReading => ({ intents: [], reason });
const intentsOf = (...intents: readonly Intent[]): EventReading => ({ intents });

/** `name` is the `X-GitHub-Event` header. */
export function readEvent(name: string, payload: unknown, self: OwnIdentity): EventReading {
  const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
  if (!read) return ignored(`Trailhand does not use the event ${name}`);
  const sender = z.object({ sender: account.optional() }).safeParse(payload);
  const id = sender.success ? sender.data.sender?.id : undefined;
  if (id !== undefined && self.botIds.includes(id)) return ignored(OWN_EVENT);
  return read(payload, self);
}

type Reader = (payload: unknown, self: OwnIdentity) => EventReading;

/** Wraps a reader with the validation of its payload. */
function withSchema<T>(schema: z.ZodType<T>, read: (payload: T, self: OwnIdentity) => EventReading): Reader {
  return (payload, self) => {
    const parsed = schema.safeParse(payload);
    if (parsed.success) return read(parsed.data, self);
    const [issue] = parsed.error.issues;
    return ignored(
      `the payload is not valid at ${issue?.path.join(".") || "its root"}: ${issue?.message ?? ""}`,
    );
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
  if (!text || parseCommands(text, self.slug).length === 0) return ignored("the text contains no command");
  return intentsOf({ kind: "command", repo, actor, location, text, event });
}

/** The commands of a new comment, whose author must be the sender. */
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
  if (self.appId !== undefined && via?.id === self.appId) return ignored(OWN_EVENT);
  if (user?.id !== from.sender.id) return ignored("the author of the comment is not the sender of the event");
  return commandIntent(from, body, self);
}

const repoOf = ({ owner, name }: z.infer<typeof repository>): Repo => ({ owner: owner.login, name });
const combine = (first: EventReading, second: EventReading): EventReading => {
  const intents = [...first.intents, ...second.intents];
  return intents.length > 0 ? { intents } : first;
};

const READERS: Readonly<Record<string, Reader>> = {
  push: withSchema(push, ({ repository, ref }) => {
    const branch = branchOf(ref);
    if (branch === undefined) return ignored("the push moved no branch");
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
    if (action !== "labeled" || !label?.name.startsWith(STATE_LABEL)) return unusedAction(action);
    const state = parseStateName(label.name.slice(STATE_LABEL.length).trim());
    if (!state) return ignored("the label does not name a state");
    const text = { number, title, body: issue.body ?? "" };
    // The time tells a label that was set again from a second delivery of the same event.
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
    const pullAction = pullActionOf(action, it.merged === true);
    if (!pullAction) return unusedAction(action);
    const repo = repoOf(repository);
    const { number } = it;
    const actor = actorOf(sender);
    const head = { ref: it.head.ref, sha: it.head.sha, isFork: isFork(it) };
    const event = `pull:${number}:${action}:${it.head.sha}:${it.updated_at}`;
    const change = intentsOf({ kind: "pull", repo, actor, number, action: pullAction, head, event });
    if (action !== "opened") return change;
    const location: CommentLocation = { kind: "pull", number, id: undefined };
    const text = newCommentIntent({ repo, sender, location, event: `pull:${number}:opened` }, it, self);
    return combine(change, text);
  }),

  pull_request_review: withSchema(
    review,
    ({ action, review: it, pull_request, repository, sender }, self) => {
      if (action !== "submitted") return ignored("only new reviews count");
      const repo = repoOf(repository);
      const { number } = pull_request;
      const location: CommentLocation = { kind: "review", number, id: it.id };
      const text = newCommentIntent({ repo, sender, location, event: `review:${it.id}` }, it, self);
      const actor = actorOf(sender);
      const verdict = it.state.toLowerCase();
      if (it.user?.id !== actor.id) return text;
      if (!it.commit_id || (verdict !== "approved" && verdict !== "changes_requested")) return text;
      const event = `review:${it.id}:${verdict}`;
      return combine(
        intentsOf({ kind: "review", repo, actor, number, verdict, commit: it.commit_id, event }),
        text,
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
      if (isOwn) return ignored(OWN_EVENT);
      if (!it.conclusion) return ignored("the check has no conclusion");
      return intentsOf({ kind: "check", repo, name: it.name, commit, conclusion: it.conclusion });
    }
    const button = action === "rerequested" ? "retry" : requested_action?.identifier;
    if ((action !== "rerequested" && action !== "requested_action") || button === undefined)
      return unusedAction(action);
    if (!isOwn) return ignored(OTHER_CHECK);
    const event = `check:${it.id}:${button}`;
    return buttonIntent({ repo, sender, action: button, commit, branch, event });
  }),

  check_suite: withSchema(checkSuite, ({ action, check_suite: it, repository, sender }, self) => {
    if (action !== "rerequested") return unusedAction(action);
    if (self.appId === undefined || it.app?.id !== self.appId) return ignored(OTHER_CHECK);
    const event = `check-suite:${it.id}:retry:${it.updated_at ?? ""}`;
    const from = { repo: repoOf(repository), sender, action: "retry", commit: it.head_sha, event };
    return buttonIntent({ ...from, branch: it.head_branch ?? undefined });
  }),

  installation: withSchema(installation, ({ action, repositories }) => {
    const wanted = ["created", "unsuspend", "new_permissions_accepted"].includes(action);
    return wanted ? sweepOf(repositories ?? []) : unusedAction(action);
  }),

  installation_repositories: withSchema(installationRepositories, ({ action, repositories_added }) =>
    action === "added" ? sweepOf(repositories_added) : unusedAction(action),
  ),

  repository: withSchema(z.object({ action: z.string(), repository }), ({ action, repository }) => {
    const wanted = ["created", "renamed", "transferred", "unarchived", "edited"].includes(action);
    return wanted ? intentsOf({ kind: "sweep", repos: [repoOf(repository)] }) : unusedAction(action);
  }),

  // The timer and the button of GitHub Actions.
  schedule: withSchema(scheduled, ({ repository }) =>
    intentsOf({ kind: "sweep", repos: repository ? [repoOf(repository)] : [] }),
  ),
  workflow_dispatch: withSchema(scheduled, ({ repository }) =>
    intentsOf({ kind: "sweep", repos: repository ? [repoOf(repository)] : [] }),
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

/** True when the head is in another repository, or its repository was deleted. */
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

function sweepOf(names: readonly { readonly full_name: string }[]): EventReading {
  const repos = names.flatMap(({ full_name }): Repo[] => {
    const [owner = "", name = ""] = fullName.safeParse(full_name).data?.split("/") ?? [];
    return name === "" ? [] : [{ owner, name }];
  });
  return repos.length > 0 ? intentsOf({ kind: "sweep", repos }) : ignored("the event names no repository");
}
