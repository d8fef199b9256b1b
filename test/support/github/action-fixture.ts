/**
 * A repository at a remote, a scripted GitHub, and people who comment and push.
 *
 * Invariants:
 * - The repository actions and git are real. Only the three queries to GitHub are answered here.
 */
import { handleIntent } from "../../../src/github/commands/handle-intent.ts";
import type { IntentResult } from "../../../src/github/commands/intent-actor.ts";
import type { RepositoryActions } from "../../../src/github/commands/repository-port.ts";
import { readEvent, type OwnIdentity } from "../../../src/github/commands/parse-event.ts";
import type {
  GitHubQueries,
  Permission,
  PullRequestInfo,
} from "../../../src/github/commands/github-queries.ts";
import type { Actor, Intent } from "../../../src/github/commands/intent.ts";
import type { Repo } from "../../../src/github/api/repo.ts";
import { RateLimit } from "../../../src/github/commands/rate-limit.ts";
import { openRepositoryActions } from "../../../src/server/repository-actions.ts";
import { makeRemoteFixture, type RemoteFixture } from "../remote-workspace.ts";

export const WORKFLOW = `start: [triage, work, gate]
people: { leads: [2+bob@users.noreply.github.com, 3+cat@users.noreply.github.com] }
agents:
  claude: { run: claude -p }
  codex: { run: codex exec - }
states:
  triage: { next: work, children: 3 }
  work: { next: look }
  look: { human: true, next: [done, work] }
  gate: { next: done, wait: approvals 1 by leads not own, deadline: 30d, otherwise: work }
`;
const SCRIPT = "#!/bin/sh\ntrue\n";
export const FILES = {
  "states/workflow.yml": WORKFLOW,
  "states/triage": SCRIPT,
  "states/work": SCRIPT,
  "states/gate": SCRIPT,
};

export const REPO: Repo = { owner: "acme", name: "shop" };
export const person = (id: number, login: string): Actor => ({ id, login, isBot: false });
export const [ANN, BOB, CAT] = [person(1, "ann"), person(2, "bob"), person(3, "cat")];
export const SELF: OwnIdentity = { appId: 77, botIds: [7700], slug: "trailhand" };

/** The data of the fake GitHub. Tests change it. */
export interface Known {
  readonly people: Map<string, Permission>;
  readonly issues: Map<number, { title: string; body: string }>;
  readonly pulls: Map<number, PullRequestInfo["head"]>;
}

export interface ActionFixture {
  readonly far: RemoteFixture;
  readonly known: Known;
  readonly queries: GitHubQueries;
  readonly actions: RepositoryActions;
  /** The logins that GitHub was asked about. */
  readonly asked: string[];
  now: number;
  act(intent: Intent, actions?: RepositoryActions): Promise<readonly IntentResult[]>;
  /** A new comment on an issue or pull request. */
  say(who: Actor, number: number, text: string, id?: number): Promise<readonly IntentResult[]>;
  /** Handles a webhook payload. */
  deliver(name: string, payload: unknown, self?: OwnIdentity): Promise<readonly IntentResult[]>;
  /** `git log -1 --format=<format>` at the remote. */
  log(branch: string, format: string): string;
  has(branch: string): boolean;
}

const permission = (id: number, role: string): Permission => ({ id, role, permission: role });

export async function openActionFixture(
  files: Readonly<Record<string, string>> = FILES,
  limits = new RateLimit(),
): Promise<ActionFixture> {
  const far = await makeRemoteFixture("files", files);
  const known: Known = {
    people: new Map(["ann", "bob", "cat"].map((login, at) => [login, permission(at + 1, "write")])),
    issues: new Map([[12, { title: "feat: throttle logins", body: "Five attempts a minute." }]]),
    pulls: new Map(),
  };
  const asked: string[] = [];
  const there = <T>(value: T | undefined): T => {
    if (value === undefined) throw Object.assign(new Error("Not Found"), { status: 404 });
    return value;
  };
  const queries: GitHubQueries = {
    async permission(_, login) {
      asked.push(login);
      return there(known.people.get(login));
    },
    async issue(_, number) {
      const isPull = known.pulls.has(number);
      return {
        number,
        isPull,
        ...(isPull ? { title: "A pull", body: "" } : there(known.issues.get(number))),
      };
    },
    async pull(_, number) {
      return { number, title: "A pull", body: "", head: there(known.pulls.get(number)) };
    },
  };
  const actions = openRepositoryActions(await far.open());
  let comments = 0;
  const fixture: ActionFixture = {
    far,
    known,
    queries,
    actions,
    asked,
    now: Date.now(),
    act: (intent, at = actions) =>
      handleIntent(intent, at, queries, { slug: "trailhand", limits, now: () => fixture.now }),
    say(who, number, text, id = ++comments) {
      const location = { kind: "issue-comment" as const, number, id };
      return fixture.act({ kind: "command", repo: REPO, actor: who, location, text, event: `comment:${id}` });
    },
    async deliver(name, payload, self = SELF) {
      const results: IntentResult[] = [];
      for (const intent of readEvent(name, payload, self).intents)
        results.push(...(await fixture.act(intent)));
      return results;
    },
    log: (branch, format) => far.remote.git("log", "-1", `--format=${format}`, branch, "--"),
    has: (branch) => far.remote.git("for-each-ref", `refs/heads/${branch}`) !== "",
  };
  return fixture;
}

/** All refs of the remote with their commits: unchanged when nothing was written. */
export const everything = ({ far }: ActionFixture): string => far.remote.git("for-each-ref");

export const label = (
  actor: Actor,
  state: string,
  issue: { number: number; title: string; body: string },
): Intent => ({
  kind: "label",
  repo: REPO,
  actor,
  issue,
  state,
  event: `issue:${issue.number}:labeled:${state}:2026-01-01T00:00:00Z`,
});

/** The single result. */
export function only(results: readonly IntentResult[]): IntentResult {
  const [first, ...more] = results;
  if (!first || more.length > 0) throw new Error(`there are ${results.length} results`);
  return first;
}

export const sentence = (result: IntentResult): string => ("why" in result ? result.why : result.text);
