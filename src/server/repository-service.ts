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
import { lineEnvironment, scriptEnvironment } from "../github/api/actions-context.ts";
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
import { retryUnreachable, reportOutage } from "../engine/loop/retry-remote.ts";
import type { PollInterval } from "../engine/loop/backoff.ts";
import type { Ports } from "../engine/ports.ts";
import { Runner } from "../engine/runner.ts";
import type { Environment, Workspace } from "../app/workspace.ts";
import { openRepositoryActions } from "./repository-actions.ts";
import { createRunner } from "../app/create-runner.ts";
import { Reporter } from "./reporter.ts";
import { openWorkspace } from "../app/open-workspace.ts";

export interface RepositoryServiceOptions {
  readonly env: Environment;
  /** A directory that is in no repository. */
  readonly directory: string;
  /** The address of the pages and of git, such as `https://github.com`. */
  readonly server: string;
  readonly say: (text: string) => void;
  /** Run what is asked for on this machine. */
  readonly runs: boolean;
  /** GitHub is to sign answers. */
  readonly signed?: boolean | undefined;
  readonly self: OwnIdentity;
  readonly limits: RateLimit;
}

/** GitHub asks for at most six pushes a minute for each repository. */
const TTL_MS = 300_000;
/** Pushes and comments wake it; looks are a safety net. */
const RESTS: PollInterval = { shortestMs: 1000, longestMs: 120_000 };
/** The installation's token is asked for so often; it is a new one when the old is near its end. */
const TOKEN_MS = 60_000;
const GRACE_MS = 10_000;

export class RepositoryService {
  readonly #options: RepositoryServiceOptions;
  readonly #repo: Repo;
  readonly #octokit: Octokit;
  readonly #site: Workspace;
  readonly #tokens: NodeJS.Timeout;
  readonly #showing: Reporter;
  #ring: () => void = () => undefined;
  #runner: Runner | undefined;
  #running: Promise<void> = Promise.resolve();
  #isOver = false;

  /** Opens a repository for an installation of the App. */
  static async open(
    repo: Repo,
    octokit: Octokit,
    given: RepositoryServiceOptions,
  ): Promise<RepositoryService> {
    const say = (text: string) => given.say(`${repo.owner}/${repo.name}: ${text}`);
    const options = { ...given, say };
    const ask = async () => ((await octokit.auth({ type: "installation" })) as { token: string }).token;
    const held = { token: await ask() };
    const { env, server, directory } = options;
    const remote = `${server}/${repo.owner}/${repo.name}.git`;
    const lineEnv = () => lineEnvironment(env, { server, token: held.token });
    const site = await openWorkspace(directory, scriptEnvironment(env), {
      remote,
      lineEnv,
      signing: options.signed ? { notary: openCommitSigner(octokit.request, repo), say } : undefined,
      person: botPerson(options.self),
      pushes: () => openPushLog(octokit.request, repo, say),
    });
    const tokens = setInterval(() => {
      ask().then(
        (token) => (held.token = token),
        (error: unknown) => say(`no new token: ${String(error)}`),
      );
    }, TOKEN_MS);
    tokens.unref();
    const station = new RepositoryService(repo, octokit, site, tokens, options);
    if (options.runs) station.#run();
    return station;
  }

  private constructor(
    repo: Repo,
    octokit: Octokit,
    site: Workspace,
    tokens: NodeJS.Timeout,
    options: RepositoryServiceOptions,
  ) {
    this.#repo = repo;
    this.#octokit = octokit;
    this.#site = site;
    this.#tokens = tokens;
    this.#options = options;
    const { server, self, say } = options;
    const [accountId = 0] = self.botIds;
    this.#showing = new Reporter({
      site,
      surface: octokitPublisher(octokit.request, repo),
      repo,
      server,
      self: { accountId, appId: self.appId },
      say,
    });
  }

  /** Carries out an intent, answers where it was written, and wakes the runner. */
  async act(intent: Intent): Promise<void> {
    const { request } = this.#octokit;
    const { self, limits } = this.#options;
    const manner = { slug: self.slug, limits, now: () => Date.now() };
    const results = await handleIntent(
      intent,
      openRepositoryActions(this.#site),
      openGitHubQueries({ request }),
      manner,
    );
    // The work does not wait for what is said about it.
    this.#ring();
    await renderReply(octokitPublisher(request, this.#repo), intent, results);
    // Each write to GitHub takes a second: who comes next does not wait for that. What a crash leaves
    // unshown is found by the look at the next start.
    this.#showing.soon();
  }

  /** Shows the work on GitHub. Rejects when it could not. */
  show(): Promise<void> {
    return this.#showing.now();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#tokens);
    this.#runner?.shutdown(GRACE_MS);
    await this.#running;
    await this.#showing.stop();
  }

  #run(): void {
    const { env, say } = this.#options;
    const { ports, dispose } = createRunner(this.#site, scriptEnvironment(env), (event) => {
      if (event.kind === "fault") say(event.what);
      this.#showing.soon();
    });
    const runner = new Runner(ports, {
      once: false,
      watch: true,
      branches: [],
      concurrency: undefined,
      ttlMs: TTL_MS,
      shared: true,
      rests: RESTS,
      wakes: (ring) => (this.#ring = ring),
    });
    this.#runner = runner;
    this.#running = this.#runToEnd(runner, ports, dispose);
  }

  async #runToEnd(runner: Runner, ports: Ports, dispose: () => Promise<void>): Promise<void> {
    try {
      const sound = async () => {
        if (!this.#isOver) await requireUsableRemote(this.#site, Date.now());
      };
      // A remote that is away for a moment is no reason to leave the repository unserved until a restart.
      await retryUnreachable(ports, Number.POSITIVE_INFINITY, reportOutage(ports, sound));
      await runner.run();
    } catch (error) {
      this.#options.say(error instanceof Error ? error.message : String(error));
    } finally {
      await dispose();
    }
  }
}

/** As GitHub names the account of an App, so that it shows who committed. */
function botPerson({ slug, botIds: [id] }: OwnIdentity): Person | undefined {
  return id === undefined ? undefined : { name: `${slug}[bot]`, email: accountAddress(id, `${slug}[bot]`) };
}
