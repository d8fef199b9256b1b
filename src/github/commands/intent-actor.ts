/**
 * Acts for one account on one event: checks what it may do, and writes what it asks for.
 *
 * Invariants:
 * - Nothing is written before GitHub confirmed the right of the account.
 * - One event writes at most once.
 * - Text from an event is data: it never becomes a trailer.
 */
import { type Branch, parseBranch, type Sha } from "../../core/protocol/ids.ts";
import { accountAddress } from "../../core/policy/push-identity.ts";
import { isTerminal } from "../../core/workflow/workflow.ts";
import { EXIT_CODE, UserError, RemoteUnreachable } from "../../core/messages/messages.ts";
import { findCommand } from "./command-table.ts";
import {
  type CommentCall,
  type CommentCommand,
  type HandlerResult,
  type Refused,
  refused,
} from "./comment-command.ts";
import { type ParsedCommand, usageProblem } from "./parse-commands.ts";
import type { Author, RepositoryActions } from "./repository-port.ts";
import type { BranchPosition } from "../../core/scheduling/branch-position.ts";
import { escapeCode, escapeProse } from "../api/escape-markdown.ts";
import type { GitHubQueries } from "./github-queries.ts";
import type { Actor, Intent, IssueText, CommentLocation } from "./intent.ts";
import type { Repo } from "../api/repo.ts";
import type { RateLimit } from "./rate-limit.ts";
import { rateLimitMessage, missingRightMessage, readActorRight } from "./permission.ts";
import { includesRight } from "./right.ts";
import { COMMENTS } from "../timing.ts";
import { approve } from "./verbs/approve.ts";
import { cancel } from "./verbs/cancel.ts";
import { reject } from "./verbs/reject.ts";
import { request } from "./verbs/request.ts";
import { resume } from "./verbs/resume.ts";
import { retry } from "./verbs/retry.ts";

/** What became of one command, label, review or button. */
export type IntentResult = {
  /** The name of the command; undefined for an unknown one. */
  readonly command: string | undefined;
  /** The value of the `Event` trailer. */
  readonly event: string;
} & Outcome;

type Outcome = HandlerResult | Ignored;

/** Nothing was written, and no reply is needed. */
interface Ignored {
  readonly kind: "ignored";
  readonly why: string;
  /** The commit that the same event wrote earlier. Its reaction may still be missing. */
  readonly commit?: Sha;
}

/** What a command applies to. */
interface Subject {
  readonly branch: Branch;
  /** Set when a request may create the branch from this issue. */
  readonly issue?: IssueText;
  readonly isLabel?: boolean;
  /** The commit that the person looked at. */
  readonly reviewed?: Sha;
}

export interface ActorOptions {
  /** The name of the App, as people mention it. */
  readonly slug: string;
  readonly limits: RateLimit;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const BUTTONS: readonly CommentCommand[] = [retry, cancel, resume, approve];

export class IntentActor {
  readonly #repo: Repo;
  readonly #actor: Actor;
  readonly #event: string;
  readonly #actions: RepositoryActions;
  readonly #queries: GitHubQueries;
  readonly #options: ActorOptions;

  constructor(
    { repo, actor, event }: { readonly repo: Repo; readonly actor: Actor; readonly event: string },
    actions: RepositoryActions,
    queries: GitHubQueries,
    options: ActorOptions,
  ) {
    this.#repo = repo;
    this.#actor = actor;
    this.#event = `github:${repo.owner}/${repo.name}:${event}`;
    this.#actions = actions;
    this.#queries = queries;
    this.#options = options;
  }

  command(parsed: ParsedCommand, location: CommentLocation): Promise<IntentResult> {
    if (parsed.kind === "unknown") {
      const why = `\`/${parsed.word}\` is not a command. Did you mean \`/${parsed.nearest}\`? \`/help\` lists all commands.`;
      return this.#authorize(undefined, "read", () => Promise.resolve(refused(why)));
    }
    const { name, right } = parsed.command;
    return this.#authorize(name, right, async () => {
      const problem = usageProblem(parsed);
      if (problem !== undefined) return refused(problem);
      const subject = await this.#subjectOf(location);
      return "why" in subject ? subject : this.#run(parsed, subject);
    });
  }

  async label(issue: IssueText, state: string): Promise<IntentResult> {
    const branch = branchOfIssue(issue.number);
    // Another App may label each step of the work. A refusal of each would be noise.
    const isStatusLabel = this.#actor.isBot && (await this.#actions.readView()).position(branch);
    if (isStatusLabel) return this.#ignore(request, "a label on existing work only shows its state");
    return this.#authorizeCall(callOf(request, state), { branch, issue, isLabel: true });
  }

  /** Approves or rejects work that waits for a person. */
  async review({ number, verdict, commit }: Extract<Intent, { kind: "review" }>): Promise<IntentResult> {
    const command = verdict === "approved" ? approve : reject;
    const { head } = await this.#queries.pull(this.#repo, number);
    const branch = head.isFork ? undefined : parseBranch(head.ref);
    const position = branch && (await this.#actions.readView()).position(branch);
    if (!branch || !position) return this.#ignore(command, "the branch is not in this repository");
    if (position.state === undefined || !(await this.#waitsForPerson(position, command)))
      return this.#ignore(command, "no work on the branch waits for a review");
    const text = verdict === "approved" ? commit : `changes were requested by @${this.#actor.login}`;
    return this.#authorizeCall(callOf(command, text), { branch, reviewed: commit as Sha });
  }

  async button({ action, commit, branch }: Extract<Intent, { kind: "button" }>): Promise<IntentResult> {
    const command = BUTTONS.find((one) => one === findCommand(action));
    if (!command) return this.#ignore(undefined, "there is no such button");
    return this.#authorize(command.name, command.right, async () => {
      const view = await this.#actions.readView();
      const named = parseBranch(branch ?? "");
      const current = named && view.position(named)?.commit === commit ? named : view.branchAt(commit);
      if (!current)
        return refused(`The branch has moved since ${commit.slice(0, 10)}, so the button has no effect.`);
      const call = callOf(command, command === approve ? commit : "");
      return this.#run(call, { branch: current, reviewed: commit as Sha });
    });
  }

  /** Cancels the work on the branch of a pull request that was closed without a merge. */
  async closed(number: number, ref: string): Promise<IntentResult> {
    const branch = parseBranch(ref);
    const position = branch && (await this.#actions.readView()).position(branch);
    if (!branch || position?.state === undefined || isTerminal(position.state))
      return this.#ignore(cancel, "the branch has no work in progress");
    const why = `pull request #${number} was closed by @${this.#actor.login}`;
    return this.#authorizeCall(callOf(cancel, why), { branch });
  }

  async #waitsForPerson(position: BranchPosition, command: CommentCommand): Promise<boolean> {
    if (position.wantsApproval) return true;
    const { workflow } = await this.#actions.readView();
    return command === reject && workflow.states[position.state ?? ""]?.human === true;
  }

  async #subjectOf(location: CommentLocation): Promise<Subject | Refused> {
    const isOnPull =
      location.kind === "pull" || location.kind === "review" || location.kind === "review-comment";
    const issue = isOnPull ? undefined : await this.#queries.issue(this.#repo, location.number);
    if (issue && !issue.isPull) return { branch: branchOfIssue(location.number), issue };
    const { head } = await this.#queries.pull(this.#repo, location.number);
    if (head.isFork)
      return refused(
        "This pull request comes from a fork, and Trailhand does not run or change branches of forks. Push the branch to this repository to work on it.",
      );
    const branch = parseBranch(head.ref);
    return branch
      ? { branch }
      : refused("The branch of this pull request has a name that git does not accept.");
  }

  #authorizeCall(call: CommentCall, subject: Subject): Promise<IntentResult> {
    return this.#authorize(call.command.name, call.command.right, () => this.#run(call, subject));
  }

  /** Runs a call on the current head, and decides again when the branch moves meanwhile. */
  async #run(call: CommentCall, subject: Subject): Promise<Outcome> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#runOnce(call, subject);
      } catch (error) {
        if (!(error instanceof UserError) || error instanceof RemoteUnreachable) throw error;
        if (error.exit === EXIT_CODE.later && tries < COMMENTS.headTries) continue;
        return refused(escapeProse(error.message, 1000));
      }
    }
  }

  async #runOnce(call: CommentCall, subject: Subject): Promise<Outcome> {
    const { branch, issue } = subject;
    const { command } = call;
    const isReading = command.right === "read";
    const existing = isReading ? undefined : await this.#actions.findEvent(branch, this.#event);
    if (existing) return { kind: "ignored", why: "the event was handled earlier", commit: existing };
    const view = await this.#actions.readView();
    const { id, login, isBot } = this.#actor;
    const author: Author = { name: login, email: accountAddress(id, login) };
    const waitMs = isReading ? 0 : await this.#waitMs(author);
    if (waitMs > 0) return refused(rateLimitMessage(login, waitMs));
    const position = view.position(branch);
    const problem = staleReview(call, subject, position) ?? labelProblem(call, subject, position);
    if (problem) return problem;
    return command.run({
      call,
      actions: this.#actions,
      view,
      author,
      login,
      isBot,
      branch,
      position,
      issue,
      event: this.#event,
    });
  }

  /** Counts requests in the repository too: another job or server may have written them. */
  async #waitMs(author: Author): Promise<number> {
    const { limits, now } = this.#options;
    const moment = now();
    return limits.waitAfter(await this.#actions.acceptedTimes(author, moment - limits.windowMs), moment);
  }

  /** Checks rate limits and permissions, then runs the command. */
  async #authorize(
    command: string | undefined,
    required: CommentCommand["right"],
    run: () => Promise<Outcome>,
  ): Promise<IntentResult> {
    const { limits, now } = this.#options;
    const account = `${this.#repo.owner}/${this.#repo.name}:${this.#actor.id}`.toLowerCase();
    const result = (outcome: Outcome): IntentResult => ({ command, event: this.#event, ...outcome });
    const ignored = (why: string) => result({ kind: "ignored", why });
    if (limits.hasAccepted(this.#event, now())) return ignored("the event was handled earlier");
    const waitMs = limits.countAttempt(account, now());
    if (waitMs > 0 && !limits.shouldNotify(account, now()))
      return ignored("the account was already told about its rate limit");
    if (waitMs > 0) return result(refused(rateLimitMessage(this.#actor.login, waitMs)));
    const answer = await readActorRight(this.#actor, this.#repo, this.#queries, this.#actions);
    if (!includesRight(answer.right, required)) {
      const what = command === undefined ? "a command" : `/${command}`;
      return result(refused(missingRightMessage(this.#actor.login, what, required, answer)));
    }
    const outcome = await run();
    if (outcome.kind === "accepted") limits.recordAccepted(account, this.#event, now());
    return result(outcome);
  }

  #ignore(command: CommentCommand | undefined, why: string): IntentResult {
    return { command: command?.name, event: this.#event, kind: "ignored", why };
  }
}

/** An approval names its commit itself; any other review or button applies to the current head only. */
function staleReview(
  { command }: CommentCall,
  { reviewed }: Subject,
  position: BranchPosition | undefined,
): Refused | undefined {
  if (reviewed === undefined || command === approve || position?.commit === reviewed) return undefined;
  return refused(`The branch has moved since ${reviewed.slice(0, 10)}, so this no longer applies.`);
}

/** A label starts work. On existing work it only shows the state. */
function labelProblem(
  { words: [state = ""] }: CommentCall,
  { isLabel = false }: Subject,
  position: BranchPosition | undefined,
): Ignored | Refused | undefined {
  if (!isLabel || !position) return undefined;
  if (position.state === state) return { kind: "ignored", why: "the work is already in this state" };
  const current = position.state === undefined ? "already has work" : `is in the state ${position.state}`;
  return refused(
    `The branch of this issue ${current}, and a label only shows that. To change the state: ${escapeCode(`/request ${state}`)}`,
  );
}

const branchOfIssue = (number: number): Branch => `trailhand/issue-${number}` as Branch;

/** The call of a command that was not written in a comment. */
const callOf = (command: CommentCommand, text: string): CommentCall => ({
  command,
  words: text === "" ? [] : text.split(" "),
  text,
});
