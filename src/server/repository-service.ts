/**
 * A repository that the App serves: acted on, run, and shown on GitHub.
 *
 * What must hold: the token of its installation is asked for again before it runs out, and is given
 * to git on the line and to the API alone; what happens here is shown soon, and once.
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
  /** A directory that is in no repository. */
  readonly directory: string;
  /** The address of the pages and of git, such as `https://github.com`. */
  readonly server: string;
  readonly log: (text: string) => void;
  /** Run what is asked for on this machine. */
  readonly shouldRun: boolean;
  /** GitHub is to sign answers. */
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
    const ask = async () => ((await octokit.auth({ type: "installation" })) as { token: string }).token;
    const held = { token: await ask() };
    const { env, server, directory } = options;
    const remote = `${server}/${repo.owner}/${repo.name}.git`;
    const lineEnv = () => remoteEnvironment(env, { server, token: held.token });
    const workspace = await openWorkspace(directory, scriptEnvironment(env), {
      remote,
      lineEnv,
      signing: options.signed ? { signer: openCommitSigner(octokit.request, repo), warn: log } : undefined,
      person: botPerson(options.self),
      pushes: () => openPushLog(octokit.request, repo, log),
    });
    const tokens = setInterval(() => {
      ask().then(
        (token) => (held.token = token),
        (error: unknown) => log(`no new token: ${String(error)}`),
      );
    }, SERVER.tokenMs);
    tokens.unref();
    const station = new RepositoryService(repo, octokit, workspace, tokens, options);
    if (options.shouldRun) station.#run();
    return station;
  }

  private constructor(
    repo: Repo,
    octokit: Octokit,
    workspace: Workspace,
    tokens: NodeJS.Timeout,
    options: RepositoryServiceOptions,
  ) {
    this.#repo = repo;
    this.#octokit = octokit;
    this.#workspace = workspace;
    this.#tokenTimer = tokens;
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

  /** Carries out an intent, answers where it was written, and wakes the runner. */
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
    // The work does not wait for what is said about it.
    this.#wakeRunner();
    await renderReply(octokitPublisher(request, this.#repo), intent, results);
    // Each write to GitHub takes a second: who comes next does not wait for that. What a crash leaves
    // unshown is found by the look at the next start.
    this.#reporter.publishSoon();
  }

  /** Shows the work on GitHub. Rejects when it could not. */
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
      onWake: (ring) => (this.#wakeRunner = ring),
    });
    this.#runner = runner;
    this.#runnerEnd = this.#runToEnd(runner, ports, dispose);
  }

  async #runToEnd(runner: Runner, ports: Ports, dispose: () => Promise<void>): Promise<void> {
    try {
      const sound = async () => {
        if (!this.#isStopped) await requireUsableRemote(this.#workspace, Date.now());
      };
      // A remote that is away for a moment is no reason to leave the repository unserved until a restart.
      await retryUnreachable(ports, Number.POSITIVE_INFINITY, reportOutage(ports, sound));
      await runner.run();
    } catch (error) {
      this.#options.log(error instanceof Error ? error.message : String(error));
    } finally {
      await dispose();
    }
  }
}

/** As GitHub names the account of an App, so that it shows who committed. */
function botPerson({ slug, botIds: [id] }: OwnIdentity): Person | undefined {
  return id === undefined ? undefined : { name: `${slug}[bot]`, email: accountAddress(id, `${slug}[bot]`) };
}
