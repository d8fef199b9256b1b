/** Commands that ask for work, and do it. */
import {
  branchArgument,
  JSON_OPTION,
  messageOption,
  remoteOption,
  trailerOption,
  type Command,
} from "./shape.ts";

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
      trailerOption,
      {
        name: "event",
        value: "id",
        what: "The event from outside that asks; when the branch carries it already, nothing is written.",
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
    name: "approve",
    group: "work",
    what: "Approve the request of a branch that waits for it.",
    more: "The same as an empty commit with the trailer `Approves: <full id of the request>` on top of it; any other commit there voids the approvals. Where the workflow says `proof: signature`, the commit is signed with your ssh key (`gpg.format ssh` and `user.signingkey`). Exit code 3: your approval would not count, and why.",
    arguments: [branchArgument],
    options: [
      { ...messageOption, what: "What you have to say; each further one is a paragraph." },
      remoteOption,
      JSON_OPTION,
    ],
    examples: [
      { line: "trailhand approve feat/login", what: "let it go on" },
      { line: 'trailhand approve feat/login -m "Looks good"', what: "with a word" },
    ],
  },
  {
    name: "check",
    group: "work",
    what: "Record how a check from outside ended, for the present head of a branch.",
    more: "A state with `wait: check <name>` goes on when it is success, neutral or skipped, and goes to its `otherwise` when it is anything else.",
    arguments: [
      { name: "name", what: "The name of the check, such as ci." },
      {
        name: "conclusion",
        what: "success, failure, neutral, cancelled, skipped, timed_out or action_required.",
      },
      branchArgument,
    ],
    options: [
      {
        name: "commit",
        value: "id",
        what: "The full id of what was checked; when the head is another by now, nothing is recorded.",
      },
      remoteOption,
      JSON_OPTION,
    ],
    examples: [
      {
        line: "trailhand check ci success feat/login --remote origin",
        what: "what a CI server calls when it is done",
      },
    ],
  },
  {
    name: "run",
    group: "work",
    what: "Claim what is asked for, run its scripts, answer; until nothing is runnable.",
    more: "Exit code 0: everything was answered; 1: an answer was `failed`, or something could not be run; 75: something is left for later. With `proof: pusher` in the workflow it needs --remote, and GITHUB_TOKEN to ask GitHub who pushed.",
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
