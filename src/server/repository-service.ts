/**
 * Serves one repository: handles its intents, runs its requests, and updates what GitHub shows.
 *
 * Invariants:
 * - The token of the installation is renewed before it expires, and is passed to git and to the API only.
 */
import type { Octokit } from "@octokit/rest";
import { accountAddress } from "../core/policy/push-identity.ts";
import { requireUsableRemote } from "../app/check-remote.ts";
import { handleIntent } from "../github/commands/handle-intent.ts";
import { remoteEnvironment, scriptEnvironment } from "../github/api/actions-context.ts";
import type { OwnIdentity } from "../github/commands/parse-event.ts";
import { openGitHubQueries } from "../github/commands/github-queries.ts";
import type { Intent } from "../github/commands/intent.ts";
import type { Repo } from "../github/api/repo.ts";
import { RateLimit } from "../github/commands/rate-limit.ts";
import { openCommitSigner } from "../github/api/signed-commits.ts";
import { octokitPublisher } from "../github/display/octokit-publisher.ts";
import { openPushLog } from "../github/api/activity-log.ts";
import { renderReply } from "../github/display/command-reply.ts";
import type { Person } from "../git/open-repository.ts";
import { retryUnreachable, reportOutage } from "../engine/retry-remote.ts";
import { LEASE, POLL } from "../engine/timing.ts";
import type { Ports } from "../engine/ports.ts";
import { Runner } from "../engine/runner.ts";
import type { Environment, Workspace } from "../app/workspace.ts";
import { openRepositoryActions } from "./repository-actions.ts";
import { createRunner } from "../app/create-runner.ts";
import { Reporter } from "./reporter.ts";
import { openWorkspace } from "../app/open-workspace.ts";
import { APP } from "../app/timing.ts";
import { SERVER } from "./timing.ts";

export interface RepositoryServiceOptions {
  readonly env: Environment;
  /** A directory outside of any repository. */
  readonly directory: string;
  /** The address of the web pages and of git, such as `https://github.com`. */
  readonly server: string;
  readonly log: (text: string) => void;
  /** True when this machine runs the requests. */
  readonly shouldRun: boolean;
  /** True when GitHub signs responses. */
  readonly signed?: boolean | undefined;
  readonly self: OwnIdentity;
  readonly limits: RateLimit;
}

export class RepositoryService {
  readonly #options: RepositoryServiceOptions;
  readonly #repo: Repo;
  readonly #octokit: Octokit;
  readonly #workspace: Workspace;
  readonly #tokenTimer: NodeJS.Timeout;
  readonly #reporter: Reporter;
  #wakeRunner: () => void = () => undefined;
  #runner: Runner | undefined;
  #runnerEnd: Promise<void> = Promise.resolve();
  #isStopped = false;

  /** Opens a repository for an installation of the App. */
  static async open(
    repo: Repo,
    octokit: Octokit,
    given: RepositoryServiceOptions,
  ): Promise<RepositoryService> {
    const log = (text: string) => given.log(`${repo.owner}/${repo.name}: ${text}`);
    const options = { ...given, log };
    const readToken = async () => ((await octokit.auth({ type: "installation" })) as { token: string }).token;
    const current = { token: await readToken() };
    const { env, server, directory } = options;
    const remote = `${server}/${repo.owner}/${repo.name}.git`;
    const lineEnv = () => remoteEnvironment(env, { server, token: current.token });
    const workspace = await openWorkspace(directory, scriptEnvironment(env), {
      remote,
      lineEnv,
      signing: options.signed ? { signer: openCommitSigner(octokit.request, repo), warn: log } : undefined,
      person: botPerson(options.self),
      pushes: () => openPushLog(octokit.request, repo, log),
    });
    const tokenTimer = setInterval(() => {
      readToken().then(
        (token) => (current.token = token),
        (error: unknown) => log(`the installation token cannot be renewed: ${String(error)}`),
      );
    }, SERVER.tokenMs);
    tokenTimer.unref();
    const service = new RepositoryService(repo, octokit, workspace, tokenTimer, options);
    if (options.shouldRun) service.#run();
    return service;
  }

  private constructor(
    repo: Repo,
    octokit: Octokit,
    workspace: Workspace,
    tokenTimer: NodeJS.Timeout,
    options: RepositoryServiceOptions,
  ) {
    this.#repo = repo;
    this.#octokit = octokit;
    this.#workspace = workspace;
    this.#tokenTimer = tokenTimer;
    this.#options = options;
    const { server, self, log } = options;
    const [accountId = 0] = self.botIds;
    this.#reporter = new Reporter({
      workspace,
      publisher: octokitPublisher(octokit.request, repo),
      repo,
      server,
      self: { accountId, appId: self.appId },
      log,
    });
  }

  /** Handles an intent, wakes the runner, and replies to the comment. */
  async handle(intent: Intent): Promise<void> {
    const { request } = this.#octokit;
    const { self, limits } = this.#options;
    const options = { slug: self.slug, limits, now: () => Date.now() };
    const results = await handleIntent(
      intent,
      openRepositoryActions(this.#workspace),
      openGitHubQueries({ request }),
      options,
    );
    // The runner starts before the reply is written.
    this.#wakeRunner();
    await renderReply(octokitPublisher(request, this.#repo), intent, results);
    // In the background, because each write to GitHub takes a second. After a crash, the sweep at the
    // next start writes what is missing.
    this.#reporter.publishSoon();
  }

  /** Resolves when GitHub shows the current state. */
  publish(): Promise<void> {
    return this.#reporter.publishNow();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#tokenTimer);
    this.#runner?.shutdown(APP.shutdownGraceMs);
    await this.#runnerEnd;
    await this.#reporter.stop();
  }

  #run(): void {
    const { env, log } = this.#options;
    const { ports, dispose } = createRunner(this.#workspace, scriptEnvironment(env), (event) => {
      if (event.kind === "fault") log(event.what);
      this.#reporter.publishSoon();
    });
    const runner = new Runner(ports, {
      once: false,
      watch: true,
      branches: [],
      concurrency: undefined,
      ttlMs: LEASE.limitedTtlMs,
      shared: true,
      pollInterval: POLL.woken,
      onWake: (wake) => (this.#wakeRunner = wake),
    });
    this.#runner = runner;
    this.#runnerEnd = this.#runToEnd(runner, ports, dispose);
  }

  async #runToEnd(runner: Runner, ports: Ports, dispose: () => Promise<void>): Promise<void> {
    try {
      const checkRemote = async () => {
        if (!this.#isStopped) await requireUsableRemote(this.#workspace, Date.now());
      };
      // A temporary outage of the remote must not stop the service of this repository until a restart.
      await retryUnreachable(ports, Number.POSITIVE_INFINITY, reportOutage(ports, checkRemote));
      await runner.run();
    } catch (error) {
      this.#options.log(error instanceof Error ? error.message : String(error));
    } finally {
      await dispose();
    }
  }
}

/** The committer in the form by which GitHub recognises the account of an App. */
function botPerson({ slug, botIds: [id] }: OwnIdentity): Person | undefined {
  return id === undefined ? undefined : { name: `${slug}[bot]`, email: accountAddress(id, `${slug}[bot]`) };
}
