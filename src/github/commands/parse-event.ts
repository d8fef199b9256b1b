/**
 * Reads what an event of GitHub asks for.
 *
 * What must hold: it never throws; a payload of another shape asks for nothing, and the reason is
 * said; what this app did itself asks for nothing; nobody is believed to be anybody but the sender.
 */
import * as z from "zod";
import { parseStateName } from "../../core/protocol/ids.ts";
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

const nothing = (reason: string): EventReading => ({ intents: [], reason });
const some = (...intents: readonly Intent[]): EventReading => ({ intents });

/** Reads an event by the name in its header. */
export function readEvent(name: string, payload: unknown, self: OwnIdentity): EventReading {
  const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
  if (!read) return nothing(`${name} asks for nothing`);
  const sender = z.object({ sender: account.optional() }).safeParse(payload);
  const id = sender.success ? sender.data.sender?.id : undefined;
  if (id !== undefined && self.botIds.includes(id)) return nothing("it is this app's own doing");
  return read(payload, self);
}

type Reader = (payload: unknown, self: OwnIdentity) => EventReading;

/** A reader of payloads of one shape; of any other it says where they differ. */
function shaped<T>(schema: z.ZodType<T>, read: (payload: T, self: OwnIdentity) => EventReading): Reader {
  return (payload, self) => {
    const parsed = schema.safeParse(payload);
    if (parsed.success) return read(parsed.data, self);
    const [issue] = parsed.error.issues;
    return nothing(`it is of another shape: ${issue?.path.join(".") || "it"}: ${issue?.message ?? ""}`);
  };
}

const actorOf = ({ id, login, type }: AccountPayload): Actor => ({ id, login, isBot: type !== "User" });

/** The commands in a text, as one intent. */
function commands(
  from: {
    readonly repo: Repo;
    readonly sender: AccountPayload;
    readonly spot: CommentLocation;
    readonly event: string;
  },
  text: string | null | undefined,
  self: OwnIdentity,
): EventReading {
  const { repo, sender, spot, event } = from;
  const actor = actorOf(sender);
  if (!text || parseCommands(text, self.slug).length === 0) return nothing("there is no command in it");
  return some({ kind: "command", repo, actor, spot, text, event });
}

/** A new comment; of one that somebody else is said to have written nothing is believed. */
function newComment(
  from: {
    readonly repo: Repo;
    readonly sender: AccountPayload;
    readonly spot: CommentLocation;
    readonly event: string;
  },
  { user, body, performed_via_github_app: via }: z.infer<typeof comment>,
  self: OwnIdentity,
): EventReading {
  if (self.appId !== undefined && via?.id === self.appId) return nothing("it is this app's own doing");
  if (user?.id !== from.sender.id) return nothing("its author is not who sent it");
  return commands(from, body, self);
}

const repoOf = ({ owner, name }: z.infer<typeof repository>): Repo => ({ owner: owner.login, name });
const both = (one: EventReading, ...others: readonly EventReading[]): EventReading => {
  const intents = [one, ...others].flatMap((each) => each.intents);
  return intents.length > 0 ? { intents } : one;
};

const HEADS = "refs/heads/";

const READERS: Readonly<Record<string, Reader>> = {
  push: shaped(push, ({ repository, ref }) => {
    if (!ref.startsWith(HEADS)) return nothing("no branch moved");
    return some({ kind: "wake", repo: repoOf(repository), branch: ref.slice(HEADS.length) });
  }),

  issues: shaped(issue, ({ action, issue, label, repository, sender }, self) => {
    const repo = repoOf(repository);
    const { number, title } = issue;
    const actor = actorOf(sender);
    if (action === "opened") {
      const spot: CommentLocation = { kind: "issue", number, id: undefined };
      return newComment({ repo, sender, spot, event: `issue:${number}:opened` }, issue, self);
    }
    if (action === "closed" || action === "reopened")
      return some({ kind: "wake", repo, branch: `trailhand/issue-${number}` });
    if (action !== "labeled" || !label?.name.startsWith(STATE_LABEL))
      return nothing(`${action} asks for nothing`);
    const state = parseStateName(label.name.slice(STATE_LABEL.length).trim());
    if (!state) return nothing("its label names no state");
    const text = { number, title, body: issue.body ?? "" };
    // The label may come a second time, for another round; a second delivery says the same moment.
    const event = `issue:${number}:labeled:${state}:${issue.updated_at}`;
    return some({ kind: "label", repo, actor, issue: text, state, event });
  }),

  issue_comment: shaped(issueComment, ({ action, issue, comment, repository, sender }, self) => {
    if (action !== "created") return nothing("only new comments count");
    const spot: CommentLocation = { kind: "issue-comment", number: issue.number, id: comment.id };
    return newComment(
      { repo: repoOf(repository), sender, spot, event: `comment:${comment.id}` },
      comment,
      self,
    );
  }),

  pull_request: shaped(pull, ({ action, pull_request: it, repository, sender }, self) => {
    const done = doneTo(action, it.merged === true);
    if (!done) return nothing(`${action} asks for nothing`);
    const repo = repoOf(repository);
    const { number } = it;
    const actor = actorOf(sender);
    const head = { ref: it.head.ref, sha: it.head.sha, isFork: isFork(it) };
    const event = `pull:${number}:${action}:${it.head.sha}:${it.updated_at}`;
    const seen = some({ kind: "pull", repo, actor, number, action: done, head, event });
    if (action !== "opened") return seen;
    const spot: CommentLocation = { kind: "pull", number, id: undefined };
    const said = newComment({ repo, sender, spot, event: `pull:${number}:opened` }, it, self);
    return both(seen, said);
  }),

  pull_request_review: shaped(review, ({ action, review: it, pull_request, repository, sender }, self) => {
    if (action !== "submitted") return nothing("only new reviews count");
    const repo = repoOf(repository);
    const { number } = pull_request;
    const spot: CommentLocation = { kind: "review", number, id: it.id };
    const said = newComment({ repo, sender, spot, event: `review:${it.id}` }, it, self);
    const actor = actorOf(sender);
    const verdict = it.state.toLowerCase();
    if (it.user?.id !== actor.id) return said;
    if (!it.commit_id || (verdict !== "approved" && verdict !== "changes_requested")) return said;
    const event = `review:${it.id}:${verdict}`;
    return both(some({ kind: "review", repo, actor, number, verdict, commit: it.commit_id, event }), said);
  }),

  pull_request_review_comment: shaped(
    reviewComment,
    ({ action, comment, pull_request, repository, sender }, self) => {
      if (action !== "created") return nothing("only new comments count");
      const spot: CommentLocation = { kind: "review-comment", number: pull_request.number, id: comment.id };
      const event = `review-comment:${comment.id}`;
      return newComment({ repo: repoOf(repository), sender, spot, event }, comment, self);
    },
  ),

  check_run: shaped(checkRun, ({ action, check_run: it, requested_action, repository, sender }, self) => {
    const repo = repoOf(repository);
    const isOwn = self.appId !== undefined && it.app?.id === self.appId;
    const [commit, branch] = [it.head_sha, it.check_suite?.head_branch ?? undefined];
    if (action === "completed") {
      if (isOwn) return nothing("it is this app's own doing");
      if (!it.conclusion) return nothing("it has no conclusion");
      return some({ kind: "check", repo, name: it.name, commit, conclusion: it.conclusion });
    }
    const asked = action === "rerequested" ? "retry" : requested_action?.identifier;
    if ((action !== "rerequested" && action !== "requested_action") || asked === undefined)
      return nothing(`${action} asks for nothing`);
    if (!isOwn) return nothing("it is a check of another app");
    const event = `check:${it.id}:${asked}`;
    return button({ repo, sender, action: asked, commit, branch, event });
  }),

  check_suite: shaped(checkSuite, ({ action, check_suite: it, repository, sender }, self) => {
    if (action !== "rerequested") return nothing(`${action} asks for nothing`);
    if (self.appId === undefined || it.app?.id !== self.appId) return nothing("it is a check of another app");
    const event = `check-suite:${it.id}:retry:${it.updated_at ?? ""}`;
    const from = { repo: repoOf(repository), sender, action: "retry", commit: it.head_sha, event };
    return button({ ...from, branch: it.head_branch ?? undefined });
  }),

  installation: shaped(installation, ({ action, repositories }) => {
    const wanted = ["created", "unsuspend", "new_permissions_accepted"].includes(action);
    return wanted ? sweep(repositories ?? []) : nothing(`${action} asks for nothing`);
  }),

  installation_repositories: shaped(installationRepositories, ({ action, repositories_added }) =>
    action === "added" ? sweep(repositories_added) : nothing(`${action} asks for nothing`),
  ),

  repository: shaped(z.object({ action: z.string(), repository }), ({ action, repository }) => {
    const wanted = ["created", "renamed", "transferred", "unarchived", "edited"].includes(action);
    return wanted
      ? some({ kind: "sweep", repos: [repoOf(repository)] })
      : nothing(`${action} asks for nothing`);
  }),

  // What GitHub Actions calls its timer and its button.
  schedule: shaped(scheduled, ({ repository: one }) =>
    some({ kind: "sweep", repos: one ? [repoOf(one)] : [] }),
  ),
  workflow_dispatch: shaped(scheduled, ({ repository: one }) =>
    some({ kind: "sweep", repos: one ? [repoOf(one)] : [] }),
  ),
};

function doneTo(
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

function button({
  sender,
  ...rest
}: Omit<Extract<Intent, { kind: "button" }>, "kind" | "actor"> & {
  readonly sender: AccountPayload;
}): EventReading {
  return some({ kind: "button", actor: actorOf(sender), ...rest });
}

function sweep(all: readonly { readonly full_name: string }[]): EventReading {
  const repos = all.flatMap(({ full_name }): Repo[] => {
    const [owner = "", name = ""] = fullName.safeParse(full_name).data?.split("/") ?? [];
    return name === "" ? [] : [{ owner, name }];
  });
  return repos.length > 0 ? some({ kind: "sweep", repos }) : nothing("it names no repository");
}
