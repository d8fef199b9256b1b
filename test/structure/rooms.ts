/**
 * The table of rooms: what the files of each folder may import besides each other.
 *
 * The layers, from top to bottom: cli, server, app, then git, process, queue and templates, then
 * engine and github, then core. Inside core, each room builds on those before it.
 */
export interface Room {
  /** Folders. */
  readonly imports: readonly string[];
  /** Folders of which only types may be imported; `a/*` stands for all folders below `a`. */
  readonly types?: readonly string[];
  /** Packages; `node:` stands for all of node, and `type x` for the types of x only. */
  readonly packages?: readonly string[];
  /** Further folders for single files. */
  readonly exceptions?: Readonly<Record<string, readonly string[]>>;
}

const CORE = [
  "core/util",
  "core/messages",
  "core/protocol",
  "core/workflow",
  "core/policy",
  "core/scheduling",
  "core/outcome",
  "core/analysis",
];
const below = (room: string): string[] => CORE.slice(0, CORE.indexOf(room));
const ENGINE = ["engine", "engine/loop", "engine/attempt"];
const ADAPTERS = ["git", "git/attempt", "git/remote", "process", "process/sandbox", "queue"];
const GITHUB = [
  "github",
  "github/api",
  "github/commands",
  "github/commands/verbs",
  "github/display",
  "github/webhooks",
];
const NODE = ["node:"];
const SERVER = ["server"];

export const ROOMS: Readonly<Record<string, Room>> = {
  "core/util": { imports: [], packages: ["fastest-levenshtein", "zod"] },
  "core/messages": { imports: below("core/messages"), packages: ["zod"] },
  "core/protocol": { imports: below("core/protocol"), packages: ["conventional-commits-parser"] },
  "core/workflow": { imports: below("core/workflow"), packages: ["zod", "yaml", "picomatch/posix.js"] },
  "core/policy": { imports: below("core/policy") },
  "core/scheduling": { imports: below("core/scheduling"), packages: ["picomatch/posix.js"] },
  "core/outcome": { imports: below("core/outcome"), packages: ["zod", "yaml"] },
  "core/analysis": { imports: below("core/analysis"), packages: ["zod", "yaml"] },

  engine: { imports: [...CORE, "engine/loop", "engine/attempt"] },
  "engine/loop": { imports: [...CORE, "engine", "engine/attempt"] },
  "engine/attempt": { imports: [...CORE, "engine"] },

  github: { imports: ["core/util"] },
  "github/api": { imports: [...CORE, "github"], packages: [...NODE, "zod", "probot", "@octokit/"] },
  "github/commands": {
    imports: [...CORE, "github", "github/api", "github/commands/verbs"],
    packages: ["zod", "type @octokit/rest"],
  },
  "github/commands/verbs": { imports: [...CORE, "github/api", "github/commands"] },
  "github/display": {
    imports: [...CORE, "github", "github/api"],
    types: ["github/commands"],
    packages: ["type @octokit/rest"],
  },
  "github/webhooks": { imports: [...CORE, "github", "github/api"], packages: [...NODE, "type probot"] },

  git: { imports: CORE, types: ["engine"], packages: [...NODE, "simple-git", "zod"] },
  "git/remote": { imports: [...CORE, "git"], types: ["engine"], packages: NODE },
  "git/attempt": { imports: [...CORE, "git"], types: ["engine"], packages: NODE },
  process: { imports: [...CORE, "process/sandbox"], types: ["engine"], packages: NODE },
  "process/sandbox": { imports: [...CORE, "process"], packages: NODE },
  queue: { imports: CORE, packages: NODE },
  templates: { imports: [...CORE, "github/display"], packages: NODE },

  // Of GitHub, only who pushed and which deliveries failed.
  app: {
    imports: [...CORE, ...ENGINE, ...ADAPTERS, "templates", "github/api", "github/webhooks"],
    packages: NODE,
  },

  server: {
    imports: [...CORE, ...ENGINE, ...ADAPTERS, ...GITHUB, "app"],
    packages: [...NODE, "yaml", "type probot", "type @octokit/rest"],
  },

  cli: { imports: ["core/util", "core/messages", "app", "cli/commands", "cli/render"], packages: NODE },
  "cli/commands": {
    imports: ["core/util", "core/messages", "app", "templates", "cli", "cli/render"],
    packages: NODE,
    exceptions: {
      "cli/commands/action.ts": SERVER,
      "cli/commands/app-manifest.ts": SERVER,
      "cli/commands/github.ts": SERVER,
      "cli/commands/serve.ts": SERVER,
    },
  },
  "cli/render": {
    imports: ["core/util", "core/messages", "cli"],
    types: ["core/*", "app"],
    packages: ["picocolors", "string-width", "log-update"],
  },
};
