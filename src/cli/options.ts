/** Arguments and options that several commands share. */
import type { Argument, Option } from "./command.ts";

/** Options of every command. */
export const COMMON: readonly Option[] = [
  { name: "directory", short: "C", value: "dir", what: "Work in this directory, like git -C." },
  { name: "help", short: "h", what: "Show the help of the command." },
];

export const jsonOption: Option = { name: "json", what: "Print one JSON document instead of text." };

export const branchArgument: Argument = {
  name: "branch",
  what: "The branch; default: the checked-out one.",
  optional: true,
  offers: "branch",
};

export const onlyBranchOption: Option = {
  name: "branch",
  short: "b",
  value: "name",
  isRepeatable: true,
  offers: "branch",
  what: "Only this branch.",
};

export const concurrencyOption: Option = {
  name: "concurrency",
  short: "j",
  value: "n",
  what: "Number of simultaneous attempts; default: the limit of the workflow.",
};

export const remoteOption: Option = {
  name: "remote",
  short: "r",
  value: "name",
  what: "Work on this remote (name or URL); your local branches and files stay untouched.",
};

export const trailerOption: Option = {
  name: "trailer",
  value: "Key: value",
  isRepeatable: true,
  what: "A further trailer, such as Priority, Depends-On, Not-Before, Owns, Budget or Assigned-To.",
};

export const messageOption: Option = {
  name: "message",
  short: "m",
  value: "text",
  isRepeatable: true,
  what: "The first is the subject, each further one a paragraph of the prompt.",
};

export const workflowOption: Option = {
  name: "workflow",
  value: "file",
  what: "Use this workflow.yml of your worktree.",
};

export const signedOption: Option = {
  name: "signed",
  what: "Let GitHub create and sign the commits of responses.",
};
