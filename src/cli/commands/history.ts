/** Commands that go back to past work: who did it, what it would be today, and how else it could go. */
import { JSON_OPTION, messageOption, type Command } from "./shape.ts";

const workflowOption = {
  name: "workflow",
  value: "file",
  what: "With this workflow.yml of your work tree.",
};

export const HISTORY: readonly Command[] = [
  {
    name: "blame",
    group: "look",
    what: "The hand-off that each line of a file came from: state, runner, model, cost, prompt.",
    more: "The file is that of a commit, and not of your work tree. Work that was landed as one commit is looked up in its archive, where the trailers `Landed-From` and `Archive` of that commit lead.",
    arguments: [{ name: "file", what: "The file, as `<file>`, `<file>:<line>` or `<file>:<line>-<line>`." }],
    options: [
      {
        name: "branch",
        short: "b",
        value: "name",
        offers: "branch",
        what: "The file of this branch; of HEAD when left out.",
      },
      JSON_OPTION,
    ],
    examples: [{ line: "trailhand blame states/workflow.yml:1-9", what: "whose are these lines?" }],
  },
  {
    name: "backtest",
    group: "look",
    what: "Judge the answers in history by a workflow.yml: what would it have said otherwise?",
    more: "Each answer of the branches and the archives is held to the workflow: is its state declared and run by a script, may the next one follow, may its paths be changed, is the evidence there, would a limit have parked it. The file is that of your work tree, else that of the trusted branch. Exit code 0: no differences; 3: there are some, or the workflow itself has problems.",
    options: [workflowOption, JSON_OPTION],
    examples: [{ line: "trailhand backtest", what: "before a change of the workflow is committed" }],
  },
  {
    name: "replay",
    group: "look",
    what: "Run a past request again in a throw-away worktree, and show how its answer differs.",
    more: "Nothing is written to a ref. The script runs for real all the same: what it does outside its worktree, it does again. Exit code 0: the same state and the same files; 1: they differ.",
    arguments: [{ name: "commit", what: "A request, or the answer to it.", offers: "branch" }],
    options: [
      {
        name: "script",
        value: "file",
        what: "This script or prompt, in place of the one on the trusted branch.",
      },
      workflowOption,
      JSON_OPTION,
    ],
    examples: [
      { line: "trailhand replay HEAD", what: "would the answer still be the same?" },
      { line: "trailhand replay HEAD --script states/check", what: "and with my changed script?" },
    ],
  },
  {
    name: "fork",
    group: "mend",
    what: "A new branch at any commit of a run, with a request to try the same work another way.",
    more: "The state is the one that was asked for at the commit, or below it. The prompt is carried on below your message, and `Forked-From` names the commit. The old branch stays as it is.",
    arguments: [
      { name: "commit", what: "Anything that names a commit of a run.", offers: "branch" },
      { name: "branch", what: "The new branch." },
    ],
    options: [
      messageOption,
      { name: "state", short: "s", value: "state", offers: "state", what: "Ask for this state." },
      { name: "trailer", value: "Key: value", many: true, what: "A further trailer, such as Priority." },
      JSON_OPTION,
    ],
    examples: [
      {
        line: 'trailhand fork feat/login~2 feat/login-again -m "feat: log in, with a cache"',
        what: "the other branch goes on as it was",
      },
    ],
  },
];
