/** The shape of a command, of its words on the command line, and of a call to it. */
import type { Terminal } from "./render/terminal.ts";

/** What a shell completion offers for a word. */
export type Offer = "branch" | "state" | "pack" | "shell" | "command";

export interface Argument {
  readonly name: string;
  readonly what: string;
  readonly optional?: boolean;
  readonly offers?: Offer;
}

export interface Option {
  readonly name: string;
  readonly short?: string;
  /** The name of the value; an option without one is a switch. */
  readonly value?: string;
  readonly isRepeatable?: boolean;
  readonly offers?: Offer;
  readonly what: string;
}

/** The groups of the overview, in order. */
export const GROUPS = {
  start: "Start",
  work: "Work",
  inspect: "Inspect",
  fix: "Fix",
  github: "GitHub",
  more: "More",
} as const;

/** What is typed, and what help says about it. */
export interface CommandSyntax {
  readonly name: string;
  /** Earlier names that still work; help and completions leave them out. */
  readonly aliases?: readonly string[];
  readonly group: keyof typeof GROUPS;
  readonly what: string;
  /** Further text for `help <command>`. */
  readonly more?: string;
  readonly arguments?: readonly Argument[];
  readonly options?: readonly Option[];
  readonly examples: readonly { readonly line: string; readonly what: string }[];
  /** True when it moves refs; see `requireNoAttempt`. */
  readonly writes?: boolean;
}

export interface Command extends CommandSyntax {
  /** Returns the exit code. */
  readonly run: (call: CommandCall) => Promise<number>;
}

/** The words of one command line, read by the syntax of its command. */
export interface Input {
  readonly command: CommandSyntax;
  readonly arguments: readonly string[];
  /** The directory to work in. */
  readonly directory: string;
  has(option: string): boolean;
  value(option: string): string | undefined;
  values(option: string): readonly string[];
}

export interface CommandCall {
  readonly input: Input;
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All commands in the order of the overview, for help and completions. */
  readonly loadCommands: () => Promise<readonly Command[]>;
}
