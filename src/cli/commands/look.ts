/** Commands that only look. */
import { branchArgument, JSON_OPTION, remoteOption, type Command } from "./shape.ts";

export const LOOK: readonly Command[] = [
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
    name: "lanes",
    group: "look",
    what: "The lanes: places taken, what was used of their quotas, and what waits for them.",
    options: [remoteOption, JSON_OPTION],
    examples: [{ line: "trailhand lanes", what: "where is the queue?" }],
  },
  {
    name: "show",
    group: "look",
    what: "Explain a request or a response.",
    arguments: [{ name: "commit", what: "Anything that names a commit.", optional: true, offers: "branch" }],
    options: [JSON_OPTION],
    examples: [{ line: "trailhand show HEAD", what: "what does this commit ask for, or answer?" }],
  },
];
