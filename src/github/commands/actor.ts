/**
 * One actor, for one event: may they, and what is written for it.
 *
 * What must hold: nothing is written before GitHub has said that the actor may; the same event
 * writes once; texts of strangers are data, and never become trailers; a refusal is a sentence.
 */
import { type Branch, parseBranch, type Sha } from "../../core/protocol/ids.ts";
import { accountAddress } from "../../core/policy/push-identity.ts";
import { isTerminal } from "../../core/workflow/workflow.ts";
import { EXIT_CODE, UserError, RemoteUnreachable } from "../../core/messages/messages.ts";
import { runCommand, type CommandContext, type CommandResult } from "./handlers.ts";
import { type Command, COMMANDS, type ParsedCommand, usageProblem } from "./command-table.ts";
import type { Author, RepositoryActions, BranchPosition, RepositoryView } from "./repository-port.ts";
import { escapeCode, escapeProse } from "../api/escape-markdown.ts";
import type { GitHubQueries } from "./github-queries.ts";
import type { Actor, Intent, IssueText, CommentLocation } from "./intent.ts";
import type { Repo } from "../api/repo.ts";
import type { RateLimit } from "./rate-limit.ts";
import { rateLimitMessage, includesRight, missingRightMessage, readActorRight } from "./permission.ts";
import { COMMENTS } from "../timing.ts";

/** What one command, label, review or button came to. */
export type IntentResult = {
  /** The verb; undefined for one that is none of ours. */
  readonly command: string | undefined;
  /** What the commit carries as `Event`. */
  readonly event: string;
} & (CommandResult | { readonly kind: "refused"; readonly why: string } | Nothing);

export interface ActorOptions {
  /** The name of the app, as people mention it. */
  readonly slug: string;
  readonly limits: RateLimit;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What is acted on by one actor, for one event. */
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
      const why = `\`/${parsed.word}\` is no command. Did you mean \`/${parsed.nearest}\`? \`/help\` lists them all.`;
      return this.#guard(undefined, "read", () => Promise.resolve(refusal(why)));
    }
    const { name, right } = parsed.command;
    return this.#guard(name, right, async () => {
      const problem = usageProblem(parsed);
      if (problem !== undefined) return refusal(problem);
      const about = await this.#about(location);
      return typeof about === "string" ? refusal(about) : this.#write(parsed, about);
    });
  }

  async label(issue: IssueText, state: string): Promise<IntentResult> {
    const branch = branchOfIssue(issue.number);
    // It may be another of us, which shows where the work stands: each step would be refused aloud.
    const isShown = this.#actor.isBot && (await this.#actions.readView()).position(branch);
    if (isShown) return this.#nothing("run", "labels only show what is there");
    const write = () => this.#write(made("run", state), { branch, issue, isLabel: true });
    return this.#guard("run", rightFor("run"), write);
  }

  /** An approval, or a request for changes, where the work waits for one. */
  async review({ number, verdict, commit }: Extract<Intent, { kind: "review" }>): Promise<IntentResult> {
    const name = verdict === "approved" ? "approve" : "reject";
    const { head } = await this.#queries.pull(this.#repo, number);
    const branch = head.isFork ? undefined : parseBranch(head.ref);
    const at = branch && (await this.#actions.readView()).position(branch);
    if (!branch || !at) return this.#nothing(name, "it is about no branch of this repository");
    if (at.state === undefined || !(await this.#waitsForPerson(at, name)))
      return this.#nothing(name, "nothing there waits for a review");
    return this.#guard(name, rightFor(name), () => {
      const args = verdict === "approved" ? commit : `changes were requested by @${this.#actor.login}`;
      return this.#write(made(name, args), { branch, reviewed: commit as Sha });
    });
  }

  async button({ action, commit, branch }: Extract<Intent, { kind: "button" }>): Promise<IntentResult> {
    const pressed = BUTTONS.find((one) => one === action);
    if (!pressed) return this.#nothing(undefined, "there is no such button");
    return this.#guard(pressed, rightFor(pressed), async () => {
      const sight = await this.#actions.readView();
      const named = parseBranch(branch ?? "");
      const found = named && sight.position(named)?.commit === commit ? named : sight.branchAt(commit);
      if (!found)
        return refusal(`The work has moved on since ${commit.slice(0, 10)}, so the button does nothing.`);
      const args = pressed === "approve" ? commit : "";
      return this.#write(made(pressed, args), { branch: found, reviewed: commit as Sha });
    });
  }

  /** A pull request that was closed without being merged ends the work on its branch. */
  async closed(number: number, ref: string): Promise<IntentResult> {
    const branch = parseBranch(ref);
    const at = branch && (await this.#actions.readView()).position(branch);
    if (!branch || at?.state === undefined || isTerminal(at.state))
      return this.#nothing("stop", "nothing goes on there");
    const why = `pull request #${number} was closed by @${this.#actor.login}`;
    return this.#guard("stop", rightFor("stop"), () => this.#write(made("stop", why), { branch }));
  }

  async #waitsForPerson(at: BranchPosition, name: "approve" | "reject"): Promise<boolean> {
    if (at.wantsApproval) return true;
    const { workflow } = await this.#actions.readView();
    return name === "reject" && workflow.states[at.state ?? ""]?.human === true;
  }

  /** What a command is about: its branch, and what begins the work there; or why it is about nothing. */
  async #about(location: CommentLocation): Promise<About | string> {
    const inPull =
      location.kind === "pull" || location.kind === "review" || location.kind === "review-comment";
    const issue = inPull ? undefined : await this.#queries.issue(this.#repo, location.number);
    if (issue && !issue.isPull) return { branch: branchOfIssue(location.number), issue };
    const { head } = await this.#queries.pull(this.#repo, location.number);
    if (head.isFork)
      return "This pull request comes from a fork. What a fork holds is only read here, and never run or written to; push the branch to this repository to work on it.";
    const branch = parseBranch(head.ref);
    return branch ? { branch } : "The branch of this pull request has a name that git does not take.";
  }

  /** Does it on the head of now, anew when that moves meanwhile. */
  async #write(parsed: Known, about: About): Promise<CommandResult | Refusal | Nothing> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#writeOnce(parsed, about);
      } catch (error) {
        if (!(error instanceof UserError) || error instanceof RemoteUnreachable) throw error;
        if (error.exit === EXIT_CODE.later && tries < COMMENTS.headTries) continue;
        return refusal(escapeProse(error.message, 1000));
      }
    }
  }

  async #writeOnce(parsed: Known, about: About): Promise<CommandResult | Refusal | Nothing> {
    const { branch, issue, isLabel = false, reviewed } = about;
    const reads = parsed.command.right === "read";
    const known = reads ? undefined : await this.#actions.findEvent(branch, this.#event);
    if (known) return { kind: "nothing", why: "it was done before", commit: known };
    const sight: RepositoryView = await this.#actions.readView();
    const { id, login, isBot } = this.#actor;
    const by: Author = { name: login, email: accountAddress(id, login) };
    const restMs = reads ? 0 : await this.#restMs(by);
    if (restMs > 0) return refusal(rateLimitMessage(login, restMs));
    const at = sight.position(branch);
    if (reviewed !== undefined && parsed.command.name !== "approve" && at?.commit !== reviewed)
      return refusal(`The work has moved on since ${reviewed.slice(0, 10)}, so that is no longer about it.`);
    if (isLabel && at?.state === parsed.args[0]) return { kind: "nothing", why: "it is there already" };
    if (isLabel && at)
      return refusal(
        `The work on this issue is ${at.state === undefined ? "there" : `at ${at.state}`} already, and labels only show that. To move it: ${escapeCode(`/set-state ${parsed.args[0] ?? ""}`)}`,
      );
    const one: CommandContext = {
      actions: this.#actions,
      sight,
      by,
      login,
      isBot,
      branch,
      at,
      issue,
      event: this.#event,
      parsed,
    };
    return runCommand(one);
  }

  /** Another job, or the server before this one, may have given them as much as an hour allows. */
  async #restMs(by: Author): Promise<number> {
    const [{ limits }, moment] = [this.#options, this.#options.now()];
    return limits.waitAfter(await this.#actions.acceptedTimes(by, moment - limits.windowMs), moment);
  }

  /** Everything that stands before the act itself. */
  async #guard(
    name: string | undefined,
    need: Command["right"],
    go: () => Promise<CommandResult | Refusal | Nothing>,
  ): Promise<IntentResult> {
    const { limits, now } = this.#options;
    const whose = `${this.#repo.owner}/${this.#repo.name}:${this.#actor.id}`.toLowerCase();
    const head = { command: name, event: this.#event };
    if (limits.hasAccepted(this.#event, now())) return this.#nothing(name, "the event was acted on already");
    const restMs = limits.countAttempt(whose, now());
    if (restMs > 0 && !limits.shouldNotify(whose, now())) return this.#nothing(name, "it was said before");
    if (restMs > 0) return { ...head, ...refusal(rateLimitMessage(this.#actor.login, restMs)) };
    const standing = await readActorRight(this.#actor, this.#repo, this.#queries, this.#actions);
    if (!includesRight(standing.right, need)) {
      const what = name === undefined ? "a command" : `/${name}`;
      return { ...head, ...refusal(missingRightMessage(this.#actor.login, what, need, standing)) };
    }
    const outcome = await go();
    if (outcome.kind === "accepted") limits.recordAccepted(whose, this.#event, now());
    return { ...head, ...outcome };
  }

  #nothing(command: string | undefined, why: string): IntentResult {
    return { command, event: this.#event, kind: "nothing", why };
  }
}

interface About {
  readonly branch: Branch;
  /** Set where a new branch may begin with it. */
  readonly issue?: IssueText;
  readonly isLabel?: boolean;
  /** The commit that was looked at. */
  readonly reviewed?: Sha;
}

type Known = Extract<ParsedCommand, { kind: "command" }>;
interface Refusal {
  readonly kind: "refused";
  readonly why: string;
}
/** Nothing is to be said about it either. */
interface Nothing {
  readonly kind: "nothing";
  readonly why: string;
  /** What the event brought about before: a reaction may be missing still. */
  readonly commit?: Sha;
}

const BUTTONS = ["retry", "stop", "resume", "approve"] as const;

const refusal = (why: string): Refusal => ({ kind: "refused", why });
const branchOfIssue = (number: number): Branch => `trailhand/issue-${number}` as Branch;

function rightFor(name: string): Command["right"] {
  return COMMANDS.find((one) => one.name === name)?.right ?? "admin";
}

/** A command that was not written as one. */
function made(name: string, rest: string): Known {
  const command = COMMANDS.find((one) => one.name === name);
  if (!command) throw new TypeError(`there is no command ${name}`);
  return { kind: "command", command, args: rest === "" ? [] : rest.split(" "), rest };
}
