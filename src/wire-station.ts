/**
 * A repository that the App serves: acted on, run, and shown on GitHub.
 *
 * What must hold: the token of its installation is asked for again before it runs out, and is given
 * to git on the line and to the API alone; what happens here is shown soon, and once.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Octokit } from "@octokit/rest";
import { accountAddress } from "./core/pushed.ts";
import { requireSound } from "./cli/remote-check.ts";
import { seeBranches, type Memory } from "./cli/see-branches.ts";
import { act } from "./github/act.ts";
import { lineEnvironment, scriptEnvironment } from "./github/actions-event.ts";
import type { Self } from "./github/event.ts";
import { openHub } from "./github/hub.ts";
import type { Intent, Repo } from "./github/intent.ts";
import { Limits } from "./github/limits.ts";
import { openNotary } from "./github/notary.ts";
import { octokitSurface } from "./github/octokit-surface.ts";
import { project } from "./github/projection.ts";
import { Pushes } from "./github/pushes.ts";
import { answer } from "./github/reply.ts";
import { showWork } from "./github/show.ts";
import type { Pull } from "./github/wanted.ts";
import type { Person } from "./git/open.ts";
import type { Rests } from "./runner/pace.ts";
import { Runner } from "./runner/tick.ts";
import type { Environment, Site } from "./site.ts";
import { openDesk } from "./wire-desk.ts";
import { wireRunner } from "./wire-runner.ts";
import { openSite } from "./wire.ts";

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
/** How long a stop waits for a showing. */
const SHOW_MS = 1000;
/** After a showing that failed. */
const AGAIN_MS = 30_000;

export class Station {
  readonly #options: StationOptions;
  readonly #repo: Repo;
  readonly #octokit: Octokit;
  readonly #site: Site;
  readonly #seen: Memory = new Map();
  readonly #tokens: NodeJS.Timeout;
  readonly #pushes: Pushes;
  #ring: () => void = () => undefined;
  #runner: Runner | undefined;
  #running: Promise<void> = Promise.resolve();
  /** The showing that goes on, and whether another has to follow. */
  #showing: Promise<void> | undefined;
  #isStale = false;
  #later: NodeJS.Timeout | undefined;
  #isOver = false;

  /** Opens a repository for an installation of the App. */
  static async open(repo: Repo, octokit: Octokit, options: StationOptions): Promise<Station> {
    const ask = async () => ((await octokit.auth({ type: "installation" })) as { token: string }).token;
    const held = { token: await ask() };
    const { env, server, directory } = options;
    const remote = `${server}/${repo.owner}/${repo.name}.git`;
    const lineEnv = () => lineEnvironment(env, { server, token: held.token });
    const pushes = new Pushes(octokit.request, repo, {
      mono: () => performance.now(),
      say: options.say,
    });
    const tell = (text: string) => options.say(`${repo.owner}/${repo.name}: ${text}`);
    const site = await openSite(directory, scriptEnvironment(env), {
      remote,
      lineEnv,
      signing: options.signed ? { notary: openNotary(octokit.request, repo), say: tell } : undefined,
      person: botPerson(options.self),
      pushes: () => (branch, head) => pushes.of(branch, head),
    });
    const tokens = setInterval(() => {
      ask().then(
        (token) => (held.token = token),
        (error: unknown) => options.say(`a token for ${repo.owner}/${repo.name}: ${String(error)}`),
      );
    }, TOKEN_MS);
    tokens.unref();
    const station = new Station(repo, octokit, site, tokens, pushes, options);
    if (options.runs) station.#run();
    return station;
  }

  private constructor(
    repo: Repo,
    octokit: Octokit,
    site: Site,
    tokens: NodeJS.Timeout,
    pushes: Pushes,
    options: StationOptions,
  ) {
    this.#repo = repo;
    this.#octokit = octokit;
    this.#site = site;
    this.#tokens = tokens;
    this.#pushes = pushes;
    this.#options = options;
  }

  /** Carries out an intent, answers where it was written, and wakes the runner. */
  async act(intent: Intent): Promise<void> {
    const { request } = this.#octokit;
    this.#pushes.hear(intent);
    const { self, limits } = this.#options;
    const manner = { slug: self.slug, limits, now: () => Date.now() };
    const results = await act(intent, openDesk(this.#site), openHub({ request }), manner);
    await answer(octokitSurface(request, this.#repo), intent, results);
    this.#ring();
    // Writing to GitHub takes a second each: who comes next does not wait for that. What a crash leaves
    // unshown is found by the look at the next start.
    void this.#showOrSay();
  }

  /** Shows the work on GitHub. What happens meanwhile is shown after it. */
  show(): Promise<void> {
    this.#isStale = true;
    this.#showing ??= this.#showAll().finally(() => (this.#showing = undefined));
    return this.#showing;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#tokens);
    clearTimeout(this.#later);
    this.#runner?.shutdown(GRACE_MS);
    await this.#running;
    // Its writes take a second each, and what is left of them is made at the next start.
    const patience = pause(SHOW_MS, undefined, { ref: false });
    await Promise.race([this.#showing?.catch(() => undefined), patience]);
  }

  async #showAll(): Promise<void> {
    while (this.#isStale && !this.#isOver) {
      this.#isStale = false;
      const branches = await seeBranches(this.#site, this.#seen);
      if (branches.seen.length === 0) return;
      const surface = octokitSurface(this.#octokit.request, this.#repo);
      const { owner, name } = this.#repo;
      const { self, server, say } = this.#options;
      const repo = `${owner}/${name}`;
      const place = { repo, address: `${server}/${repo}` };
      const [accountId = 0] = self.botIds;
      const us = { accountId, appId: self.appId };
      const picture = (pulls: readonly Pull[]) => project({ ...branches, ...place, pulls });
      const { refused, later } = await showWork(surface, picture, us);
      for (const { write, why } of refused) say(`${repo}: ${write.kind}: ${why}`);
      if (later) this.#showIn(later.ms);
    }
  }

  /** That it could not be shown is told, and tried again. */
  async #showOrSay(): Promise<void> {
    try {
      await this.show();
    } catch (error) {
      this.#options.say(`${this.#repo.owner}/${this.#repo.name}: ${String(error)}`);
      this.#showIn(AGAIN_MS);
    }
  }

  #showIn(ms: number): void {
    clearTimeout(this.#later);
    if (this.#isOver) return;
    this.#later = setTimeout(() => void this.#showOrSay(), ms).unref();
  }

  #run(): void {
    const { env, say } = this.#options;
    const { ports, dispose } = wireRunner(this.#site, scriptEnvironment(env), (event) => {
      if (event.kind === "fault") say(event.what);
      void this.#showOrSay();
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
    this.#running = this.#runToEnd(runner, dispose);
  }

  async #runToEnd(runner: Runner, dispose: () => Promise<void>): Promise<void> {
    try {
      await requireSound(this.#site, Date.now());
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
