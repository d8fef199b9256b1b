/**
 * Assembles a job of GitHub Actions: reads the event, handles its intents, and updates GitHub.
 *
 * Invariants:
 * - Nothing is opened and no request is sent unless the event asks for something.
 * - The token is passed to git and to the API only, each for the job's own server.
 */
import { overviewBranches } from "./branch-overview.ts";
import { handleIntent } from "../github/commands/handle-intent.ts";
import type { IntentResult } from "../github/commands/intent-actor.ts";
import { renderReply } from "../github/display/command-reply.ts";
import { ACTIONS, remoteEnvironment, type JobContext } from "../github/api/actions-context.ts";
import { RequestDeclined, openClient } from "../github/api/client.ts";
import { readEvent, type EventReading } from "../github/commands/parse-event.ts";
import { openGitHubQueries } from "../github/commands/github-queries.ts";
import type { Intent } from "../github/commands/intent.ts";
import { RateLimit } from "../github/commands/rate-limit.ts";
import { openCommitSigner } from "../github/api/signed-commits.ts";
import { octokitPublisher, type OctokitRequest } from "../github/display/octokit-publisher.ts";
import { RequestThrottle } from "../github/api/request-throttle.ts";
import { projectBranches } from "../github/display/project.ts";
import { openPushLog } from "../github/api/activity-log.ts";
import type { Person } from "../git/open-repository.ts";
import { accountAddress } from "../core/policy/push-identity.ts";
import type { Publisher } from "../github/display/publisher-port.ts";
import { showBranches } from "../github/display/apply.ts";
import type { PullRequestRef, DesiredState } from "../github/display/desired-state.ts";
import type { Environment, Workspace } from "../app/workspace.ts";
import { accountNumber } from "./installation.ts";
import { openRepositoryActions } from "./repository-actions.ts";
import { SERVER } from "./timing.ts";
import { openWorkspace } from "../app/open-workspace.ts";

/** The name that people mention in a comment. */
const SLUG = "trailhand";

/** The result of an intent, for the summary. */
export interface JobReport {
  readonly text: string;
  readonly applied: boolean;
}

export interface ActionParts {
  /** Handles one intent, and replies to its comment. */
  readonly handle: (intent: Intent) => Promise<readonly JobReport[]>;
  /** Updates what GitHub shows. Returns what could not be updated. */
  readonly publish: () => Promise<readonly string[]>;
}

export interface ActionsJob {
  readonly reading: EventReading;
  readonly open: (
    directory: string,
    remote: string,
    /** When set, GitHub signs responses. Called with the reason when it does not. */
    onUnsigned?: (why: string) => void,
  ) => Promise<{ readonly workspace: Workspace; readonly parts: ActionParts }>;
}

export function openActionsJob(
  job: JobContext,
  env: Environment,
  payload: unknown,
  log: (text: string) => void,
  throttle = new RequestThrottle(Date.now, { maxWaitMs: SERVER.jobMaxWaitMs }),
): ActionsJob {
  const { account } = job;
  // The job's own token starts no job, so its account number is not needed here.
  const self = { botIds: typeof account === "number" ? [account] : [], slug: SLUG };
  return {
    reading: readEvent(job.event, payload, self),
    async open(directory, remote, onUnsigned) {
      const token = () => Promise.resolve(job.token);
      const { request } = await openClient({ throttle, baseUrl: job.api, token });
      const workspace = await openWorkspace(directory, remoteEnvironment(env, job), {
        remote,
        signing: onUnsigned && { signer: openCommitSigner(request, job.repo), warn: onUnsigned },
        person: personOf(job),
        pushes: () => openPushLog(request, job.repo, log),
      });
      return { workspace, parts: partsOf(job, workspace, request) };
    },
  };
}

function partsOf(job: JobContext, workspace: Workspace, request: OctokitRequest): ActionParts {
  const { repo } = job;
  const queries = openGitHubQueries({ request });
  const publisher = octokitPublisher(request, repo);
  const actions = openRepositoryActions(workspace);
  const options = { slug: SLUG, limits: new RateLimit(), now: () => Date.now() };
  return {
    async handle(intent) {
      const results = await handleIntent(intent, actions, queries, options);
      await renderReply(publisher, intent, results);
      return results.flatMap(reportsOf);
    },
    publish: () => publish(job, workspace, publisher, () => accountOf(job, request)),
  };
}

function reportsOf(result: IntentResult): JobReport[] {
  const name = result.command === undefined ? "" : `/${result.command}: `;
  if (result.kind === "ignored") return [];
  if (result.kind === "refused") return [{ text: `${name}${result.why}`, applied: true }];
  return [{ text: `${name}${result.kind === "replied" ? "answered" : result.text}`, applied: true }];
}

/** True for a job's own token on github.com, where the numbers of its account and App are known. */
const isOwnJob = ({ account, server }: JobContext): boolean =>
  account === "job" && server === "https://github.com";

/** The committer for a job's own token, so that github.com shows its account beside the commits. */
function personOf(job: JobContext): Person | undefined {
  if (!isOwnJob(job)) return undefined;
  const { id, login } = ACTIONS;
  return { name: login, email: accountAddress(id, login) };
}

/** The account that the token writes as, by which Trailhand recognises its own comments. */
async function accountOf({ account }: JobContext, request: OctokitRequest): Promise<number | undefined> {
  if (typeof account === "number") return account;
  try {
    if (account === "job") return await accountNumber({ request }, ACTIONS.login);
    return Number((await request("GET /user")).data.id);
  } catch (error) {
    // The token of an App belongs to an installation, not to a user.
    if (error instanceof RequestDeclined && error.decision.kind === "refused") return undefined;
    throw error;
  }
}

async function publish(
  job: JobContext,
  workspace: Workspace,
  publisher: Publisher,
  account: () => Promise<number | undefined>,
): Promise<readonly string[]> {
  const { repo, server } = job;
  const branches = await overviewBranches(workspace);
  if (branches.views.length === 0) return [];
  const accountId = await account();
  if (accountId === undefined)
    return ["set the input account to the number of the account that the token writes as"];
  const desiredWith = projectBranches(branches, repo, server);
  const buttonless = (pulls: readonly PullRequestRef[]) => withoutButtons(desiredWith(pulls));
  const { refused, postponed } = await showBranches(publisher, buttonless, {
    accountId,
    appId: isOwnJob(job) ? ACTIONS.appId : undefined,
  });
  const rateLimit = postponed
    ? [`GitHub's rate limit blocks further writes for ${Math.ceil(postponed.ms / 1000)} s`]
    : [];
  return [...refused.map(({ write, why }) => `${write.kind}: ${why}`), ...rateLimit];
}

/** GitHub starts no job for the buttons of a check run that a job created. */
const withoutButtons = (wanted: DesiredState): DesiredState => ({
  ...wanted,
  checks: wanted.checks.map((check) => ({ ...check, buttons: [] })),
});
