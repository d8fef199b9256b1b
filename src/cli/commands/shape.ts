/** The shape of a command in the table, and the options that many of them share. */
/** What a completion offers for a word. */
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
  /** The name of the value; without it the option is a switch. */
  readonly value?: string;
  readonly many?: boolean;
  readonly offers?: Offer;
  readonly what: string;
}

export interface Command {
  readonly name: string;
  readonly group: "start" | "work" | "look" | "mend" | "github" | "more";
  readonly what: string;
  /** More to say in `help <command>`. */
  readonly more?: string;
  readonly arguments?: readonly Argument[];
  readonly options?: readonly Option[];
  readonly examples: readonly { readonly line: string; readonly what: string }[];
}

export const GROUPS: Readonly<Record<Command["group"], string>> = {
  start: "Start",
  work: "Work",
  look: "Look",
  mend: "Mend",
  github: "GitHub",
  more: "More",
};

/** Options that every command takes. */
export const COMMON: readonly Option[] = [
  { name: "directory", short: "C", value: "dir", what: "Work in this directory, as git -C does." },
  { name: "help", short: "h", what: "Show the help of the command." },
];

export const JSON_OPTION: Option = { name: "json", what: "Print one JSON document in place of text." };
export const branchArgument: Argument = {
  name: "branch",
  what: "The branch; the checked-out one when left out.",
  optional: true,
  offers: "branch",
};
export const remoteOption: Option = {
  name: "remote",
  short: "r",
  value: "name",
  what: "At this remote, by its name or its URL; your own branches and files are left alone.",
};
export const trailerOption: Option = {
  name: "trailer",
  value: "Key: value",
  many: true,
  what: "A further trailer, such as Priority, Depends-On, Not-Before, Owns, Budget or Assigned-To.",
};
export const messageOption: Option = {
  name: "message",
  short: "m",
  value: "text",
  many: true,
  what: "The first is the subject, each further one a paragraph of the prompt.",
};
