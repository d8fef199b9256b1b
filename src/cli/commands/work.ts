/** Commands that ask for work, and do it. */
import { JSON_OPTION, messageOption, remoteOption, type Command } from "./shape.ts";

export const WORK: readonly Command[] = [
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
];
