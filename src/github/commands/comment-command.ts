/** The shape of a comment command: its row in the help, its handler, and what the handler gets and returns. */
import type { Branch, Sha } from "../../core/protocol/ids.ts";
import type { IssueText } from "./intent.ts";
import type { Author, RepositoryActions, RepositoryView } from "./repository-port.ts";
import type { BranchPosition } from "../../core/scheduling/branch-position.ts";
import type { Right } from "./right.ts";

export interface CommentCommand {
  readonly name: string;
  /** Earlier names. They work, and appear neither in the help nor in the reference. */
  readonly aliases?: readonly string[];
  /** True for a command that works, and appears neither in the help nor in the reference. */
  readonly isHidden?: boolean;
  /** The forms of the command without its slash; `, or ` separates them. */
  readonly usage: string;
  /** The lowest right in the repository that allows the command. */
  readonly right: Exclude<Right, "none">;
  readonly summary: string;
  /** A complete command without its slash. The default is its name alone. */
  readonly example?: string;
  /** The number of words that must follow the name. */
  readonly minWords: number;
  readonly run: CommandHandler;
}

/** A command as it stands in a comment. */
export interface CommentCall {
  readonly command: CommentCommand;
  readonly words: readonly string[];
  /** The text after the name, with its own spacing. */
  readonly text: string;
}

/** A call, who made it, and what it applies to. */
export interface CommandContext {
  readonly call: CommentCall;
  readonly actions: RepositoryActions;
  readonly view: RepositoryView;
  readonly author: Author;
  readonly login: string;
  readonly isBot: boolean;
  readonly branch: Branch;
  /** Undefined while the branch does not exist. */
  readonly position: BranchPosition | undefined;
  /** Set when a request may create the branch from this issue. */
  readonly issue: IssueText | undefined;
  /** The value of the `Event` trailer. */
  readonly event: string;
}

export type CommandHandler = (context: CommandContext) => Promise<HandlerResult>;

export interface Accepted {
  readonly kind: "accepted";
  /** Undefined for a command that applies to the whole repository, such as a hold. */
  readonly branch: Branch | undefined;
  readonly commit: Sha | undefined;
  readonly text: string;
}

/** The command only asked for information. */
export interface Replied {
  readonly kind: "replied";
  readonly text: string;
}

export interface Refused {
  readonly kind: "refused";
  readonly why: string;
}

export type HandlerResult = Accepted | Replied | Refused;

export const replied = (text: string): Replied => ({ kind: "replied", text });
export const refused = (why: string): Refused => ({ kind: "refused", why });

/** The text after the command as the message of a commit; empty for the default message. */
export const callMessages = ({ text }: CommentCall): string[] => (text === "" ? [] : [text]);
