/**
 * The one table of commands: help, the reference page and the completions are made from it.
 *
 * What must hold: an option or argument that is not here cannot be given; each command has an
 * example that works as it stands in a repository that `trailhand init` has prepared.
 */
/** What a completion offers for a word. */
export type Offer = "branch" | "state" | "shell" | "command";

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
  readonly group: "start" | "work" | "look" | "mend" | "more";
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
  more: "More",
};

/** Options that every command takes. */
export const COMMON: readonly Option[] = [
  { name: "directory", short: "C", value: "dir", what: "Work in this directory, as git -C does." },
  { name: "help", short: "h", what: "Show the help of the command." },
];

const JSON_OPTION: Option = { name: "json", what: "Print one JSON document in place of text." };
const branchArgument: Argument = {
  name: "branch",
  what: "The branch; the checked-out one when left out.",
  optional: true,
  offers: "branch",
};
const remoteOption: Option = {
  name: "remote",
  short: "r",
  value: "name",
  what: "At this remote, by its name or its URL; your own branches and files are left alone.",
};
const messageOption: Option = {
  name: "message",
  short: "m",
  value: "text",
  many: true,
  what: "The first is the subject, each further one a paragraph of the prompt.",
};

export const COMMANDS: readonly Command[] = [
  {
    name: "init",
    group: "start",
    what: "Write states/ with a workflow of three states that need no AI.",
    more: "Nothing that exists is overwritten. What to type next is printed.",
    examples: [{ line: "trailhand init", what: "prepare this repository" }],
  },
  {
    name: "demo",
    group: "start",
    what: "Make a small repository in a temporary folder and run it end to end.",
    more: "No network and no model takes part. The repository stays, to look around in.",
    options: [{ name: "keep", value: "dir", what: "Make it in this directory, which must not exist yet." }],
    examples: [
      { line: "trailhand demo", what: "watch four branches being planned, checked, repaired, integrated" },
    ],
  },
  {
    name: "doctor",
    group: "start",
    what: "Check git, identity, states, workflow, worktrees, messages and leases.",
    more: "Each finding names the command that mends it. Exit code 1 when something must be mended.",
    options: [remoteOption, JSON_OPTION],
    examples: [{ line: "trailhand doctor", what: "is everything in order?" }],
  },
  {
    name: "request",
    group: "work",
    what: "Commit a request for a state, bound to its branch.",
    more: "The same as an empty commit with the trailers `State: <state>` and `Branch: <branch>`. Your files are not touched, and need not be clean.",
    arguments: [{ name: "state", what: "The state to ask for.", offers: "state" }],
    options: [
      messageOption,
      {
        name: "branch",
        short: "b",
        value: "name",
        offers: "branch",
        what: "On this branch; the checked-out one when left out.",
      },
      { name: "new", short: "n", value: "name", what: "On a new branch, made at the trusted branch." },
      {
        name: "trailer",
        value: "Key: value",
        many: true,
        what: "A further trailer, such as Priority or Refs.",
      },
      remoteOption,
      JSON_OPTION,
    ],
    examples: [
      { line: "trailhand request check", what: "ask for a check of the checked-out branch" },
      {
        line: 'trailhand request check --new feat/login -m "feat: log in" -m "Five attempts a minute."',
        what: "on a new branch, with a prompt",
      },
    ],
  },
  {
    name: "run",
    group: "work",
    what: "Claim what is asked for, run its scripts, answer; until nothing is runnable.",
    more: "Exit code 0: everything was answered; 1: an answer was `failed`, or something could not be run; 75: something is left for later.",
    options: [
      { name: "once", what: "Look once, and finish what that look started." },
      { name: "watch", short: "w", what: "Stay, and react to new commits." },
      { name: "dry-run", what: "Print the decisions and do nothing." },
      {
        name: "branch",
        short: "b",
        value: "name",
        many: true,
        offers: "branch",
        what: "Only this branch.",
      },
      {
        name: "concurrency",
        short: "j",
        value: "n",
        what: "Attempts at once; the workflow's limit when left out.",
      },
      {
        name: "ttl",
        value: "time",
        what: "How long a lease holds that is not renewed; 1m when left out, 5m at github.com.",
      },
      {
        name: "grace",
        value: "time",
        what: "How long SIGTERM lets running scripts finish before they are handed back; 10s when left out.",
      },
      {
        name: "wake",
        value: "pipe|port",
        what: "Look at once when something is written to this named pipe, or calls this port of 127.0.0.1.",
      },
      { name: "trust-head", what: "Read the states from HEAD: to try a workflow out before it is merged." },
      remoteOption,
      JSON_OPTION,
    ],
    examples: [
      { line: "trailhand run", what: "work off everything" },
      { line: "trailhand run --watch", what: "stay and react within a moment" },
      { line: "trailhand run --dry-run", what: "what would happen, and why not" },
      { line: "trailhand run --watch --remote origin", what: "one of many runners that share a remote" },
    ],
  },
  {
    name: "status",
    group: "look",
    what: "Each branch: its state, whose turn it is, since when, and why it is not running.",
    options: [
      { name: "needs-me", what: "Only what waits for a person." },
      { name: "all", short: "a", what: "Branches without a request too." },
      remoteOption,
      JSON_OPTION,
    ],
    examples: [{ line: "trailhand status --needs-me", what: "what is waiting for you" }],
  },
  {
    name: "log",
    group: "look",
    what: "The hand-offs of a branch as a time line: duration, attempt, cost.",
    arguments: [branchArgument],
    options: [
      { name: "limit", short: "n", value: "n", what: "At most so many commits; 200 when left out." },
      remoteOption,
      JSON_OPTION,
    ],
    examples: [{ line: "trailhand log feat/login", what: "who did what, and how long it took" }],
  },
  {
    name: "graph",
    group: "look",
    what: "The workflow as a drawing, with a branch's position.",
    arguments: [branchArgument],
    options: [{ name: "mermaid", what: "Print a Mermaid state diagram." }, remoteOption, JSON_OPTION],
    examples: [
      { line: "trailhand graph", what: "draw it in the terminal" },
      { line: "trailhand graph --mermaid", what: "for a README" },
    ],
  },
  {
    name: "show",
    group: "look",
    what: "Explain a request or a response.",
    arguments: [{ name: "commit", what: "Anything that names a commit.", optional: true, offers: "branch" }],
    options: [JSON_OPTION],
    examples: [{ line: "trailhand show HEAD", what: "what does this commit ask for, or answer?" }],
  },
  {
    name: "resume",
    group: "mend",
    what: "Ask again for the state at which a branch was parked or taken over.",
    arguments: [branchArgument],
    options: [messageOption, remoteOption, JSON_OPTION],
    examples: [{ line: "trailhand resume feat/login", what: "go on after your own commits" }],
  },
  {
    name: "retry",
    group: "mend",
    what: "Ask again for a state that failed; do not wait for a rest to be over.",
    arguments: [branchArgument],
    options: [messageOption, remoteOption, JSON_OPTION],
    examples: [{ line: "trailhand retry feat/login", what: "with all its attempts again" }],
  },
  {
    name: "cancel",
    group: "mend",
    what: "End the work on a branch; what runs there is stopped and its work saved.",
    arguments: [branchArgument],
    options: [messageOption, remoteOption, JSON_OPTION],
    examples: [{ line: "trailhand cancel feat/login", what: "stop it" }],
  },
  {
    name: "gc",
    group: "mend",
    what: "Say which side refs, logs and worktrees are no longer needed, and why.",
    options: [
      { name: "prune", what: "Remove them." },
      {
        name: "keep-days",
        value: "n",
        what: "Keep salvage, journals and logs that are younger; 14 when left out.",
      },
      remoteOption,
      JSON_OPTION,
    ],
    examples: [{ line: "trailhand gc --prune", what: "remove what is no longer needed" }],
  },
  {
    name: "completions",
    group: "more",
    what: "Print a completion script.",
    arguments: [{ name: "shell", what: "bash, zsh or fish.", offers: "shell" }],
    examples: [{ line: 'eval "$(trailhand completions bash)"', what: "in ~/.bashrc" }],
  },
  {
    name: "help",
    group: "more",
    what: "Show this help, or that of one command.",
    arguments: [{ name: "command", what: "The command.", optional: true, offers: "command" }],
    examples: [{ line: "trailhand help run", what: "everything about run" }],
  },
];
