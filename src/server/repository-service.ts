/**
 * A repository that the App serves: acted on, run, and shown on GitHub.
 *
 * What must hold: the token of its installation is asked for again before it runs out, and is given
 * to git on the line and to the API alone; what happens here is shown soon, and once.
 */
import type { Octokit } from "@octokit/rest";
import { accountAddress } from "../core/policy/push-identity.ts";
import { requireSound } from "../app/check-remote.ts";
import { act } from "../github/commands/handle-intent.ts";
import { lineEnvironment, scriptEnvironment } from "../github/api/actions-context.ts";
import type { Self } from "../github/commands/parse-event.ts";
import { openHub } from "../github/commands/github-queries.ts";
import type { Intent, Repo } from "../github/commands/intent.ts";
import { Limits } from "../github/commands/rate-limit.ts";
import { openNotary } from "../github/api/signed-commits.ts";
import { octokitSurface } from "../github/display/octokit-publisher.ts";
import { openPushLog } from "../github/api/activity-log.ts";
import { answer } from "../github/display/command-reply.ts";
import type { Person } from "../git/open-repository.ts";
import { insist, telling } from "../engine/loop/retry-remote.ts";
import type { Rests } from "../engine/loop/backoff.ts";
import type { Ports } from "../engine/ports.ts";
import { Runner } from "../engine/runner.ts";
import type { Environment, Site } from "../app/workspace.ts";
import { openDesk } from "../app/repository-actions.ts";
import { wireRunner } from "../app/create-runner.ts";
import { Showing } from "./reporter.ts";
import { openSite } from "../app/open-workspace.ts";

export interface StationOptions {
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
  readonly self: Self;
  readonly limits: Limits;
}

/** GitHub asks for at most six pushes a minute for each repository. */
const TTL_MS = 300_000;
/** Pushes and comments wake it; looks are a safety net. */
const RESTS: Rests = { shortestMs: 1000, longestMs: 120_000 };
/** The installation's token is asked for so often; it is a new one when the old is near its end. */
const TOKEN_MS = 60_000;
const GRACE_MS = 10_000;

export class Station {
  readonly #options: StationOptions;
  readonly #repo: Repo;
  readonly #octokit: Octokit;
  readonly #site: Site;
  readonly #tokens: NodeJS.Timeout;
  readonly #showing: Showing;
  #ring: () => void = () => undefined;
  #runner: Runner | undefined;
  #running: Promise<void> = Promise.resolve();
  #isOver = false;

  /** Opens a repository for an installation of the App. */
  static async open(repo: Repo, octokit: Octokit, given: StationOptions): Promise<Station> {
    const say = (text: string) => given.say(`${repo.owner}/${repo.name}: ${text}`);
    const options = { ...given, say };
    const ask = async () => ((await octokit.auth({ type: "installation" })) as { token: string }).token;
    const held = { token: await ask() };
    const { env, server, directory } = options;
    const remote = `${server}/${repo.owner}/${repo.name}.git`;
    const lineEnv = () => lineEnvironment(env, { server, token: held.token });
    const site = await openSite(directory, scriptEnvironment(env), {
      remote,
      lineEnv,
      signing: options.signed ? { notary: openNotary(octokit.request, repo), say } : undefined,
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
    const station = new Station(repo, octokit, site, tokens, options);
    if (options.runs) station.#run();
    return station;
  }

  private constructor(
    repo: Repo,
    octokit: Octokit,
    site: Site,
    tokens: NodeJS.Timeout,
    options: StationOptions,
  ) {
    this.#repo = repo;
    this.#octokit = octokit;
    this.#site = site;
    this.#tokens = tokens;
    this.#options = options;
    const { server, self, say } = options;
    const [accountId = 0] = self.botIds;
    this.#showing = new Showing({
      site,
      surface: octokitSurface(octokit.request, repo),
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
    const results = await act(intent, openDesk(this.#site), openHub({ request }), manner);
    // The work does not wait for what is said about it.
    this.#ring();
    await answer(octokitSurface(request, this.#repo), intent, results);
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
    const { ports, dispose } = wireRunner(this.#site, scriptEnvironment(env), (event) => {
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
        if (!this.#isOver) await requireSound(this.#site, Date.now());
      };
      // A remote that is away for a moment is no reason to leave the repository unserved until a restart.
      await insist(ports, Number.POSITIVE_INFINITY, telling(ports, sound));
      await runner.run();
    } catch (error) {
      this.#options.say(error instanceof Error ? error.message : String(error));
    } finally {
      await dispose();
    }
  }
}

/** As GitHub names the account of an App, so that it shows who committed. */
function botPerson({ slug, botIds: [id] }: Self): Person | undefined {
  return id === undefined ? undefined : { name: `${slug}[bot]`, email: accountAddress(id, `${slug}[bot]`) };
}
