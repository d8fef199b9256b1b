/** The table of folders in docs/architecture.md: what each owns, and what the import test allows it. */
import { ROOMS } from "../structure/rooms.ts";

const OWNS: Readonly<Record<string, string>> = {
  "core/util": "durations, amounts, times, redaction",
  "core/messages": "every text that people read, and the error class",
  "core/protocol": "what is written in git: trailers, messages, requests, leases, refs",
  "core/workflow": "`states/workflow.yml`: schema, parser, checks, waits, paths, plans",
  "core/policy": "who may request, who approved, what is proven, what may be spent",
  "core/scheduling": "from a snapshot of all refs to one decision for each branch",
  "core/outcome": "from the output of a script to the message of its answer",
  "core/analysis": "what history teaches: blame, backtest, replay, advice, timeline",
  engine: "the runner, its timing, and the interfaces (ports) that it calls",
  "engine/loop": "one pass: read, decide, select, clean up",
  "engine/attempt": "one attempt: claim, run, validate, answer",
  git: "all git processes and all files of git",
  "git/attempt": "the repository of an attempt: made, collected, saved, removed",
  "git/remote": "fetch, push and the cache of a remote",
  process: "scripts, agents, process groups, their environment",
  "process/sandbox": "what a program may see and reach, and the proof that it has ended",
  queue: "sources of wake-ups: file events, named pipes, TCP connections",
  templates: "what `init` and `demo` write: starter, packs, GitHub files",
  github: "names and times that all of GitHub's folders share",
  "github/api": "client, throttle, credentials; loads GitHub's packages",
  "github/commands": "from an event to an intent, a permission, and a request",
  "github/commands/verbs": "one file for each comment command",
  "github/display": "what GitHub should display, and how that differs from what it does",
  "github/webhooks": "HTTP in, the inbox on disk, one delivery after the other",
  app: "use cases: request, approve, retry, hold, list, doctor",
  server: "the App as a service, and a job of GitHub Actions",
  cli: "arguments in, text or JSON out",
  "cli/commands": "one file for each command",
  "cli/render": "tables, pages and colours",
};

const FOLDERS = Object.keys(ROOMS);
const LAYERS = new Set(["core", "engine", "git", "github"]);
const layerOf = (folder: string): string => folder.split("/")[0] ?? folder;

/** A layer stands for its folders if all of them are allowed. */
function summary(folder: string, imports: readonly string[]): string[] {
  const isWhole = (layer: string) =>
    layer !== layerOf(folder) && FOLDERS.every((other) => layerOf(other) !== layer || imports.includes(other));
  const names = imports
    .filter((other) => layerOf(other) !== layerOf(folder))
    .map((other) => (LAYERS.has(layerOf(other)) && isWhole(layerOf(other)) ? layerOf(other) : `\`${other}\``));
  return [...new Set(names)];
}

function mayImport(folder: string): string {
  const room = ROOMS[folder];
  const packages = (room?.packages ?? []).filter((name) => name !== "node:" && !name.startsWith("type "));
  const types = (room?.types ?? []).filter((other) => layerOf(other) !== layerOf(folder));
  return [
    ...summary(folder, room?.imports ?? []),
    ...types.map((other) => `types of \`${other}\``),
    ...packages.map((name) => name.replace(/\/$/, "").replace("/posix.js", "")),
  ].join(", ");
}

/** A folder without a description is an error, so that none is forgotten. */
export function folderTable(): string {
  const unknown = FOLDERS.filter((folder) => OWNS[folder] === undefined);
  if (unknown.length > 0) throw new Error(`no description in test/docs/folder-table.ts: ${unknown.join(", ")}`);
  const rows = FOLDERS.map((folder) => `| \`src/${folder}\` | ${OWNS[folder]} | ${mayImport(folder)} |`);
  return ["| folder | owns | imports from other layers |", "| --- | --- | --- |", ...rows].join("\n");
}
