/** Messages of the commands that run Trailhand on GitHub. */
import { EXIT_CODE, quoted, usageError, type UserMessage } from "./message-format.ts";

const MANIFEST = "trailhand app-manifest";

export const GITHUB_MESSAGES = {
  noCredentials: (missing: readonly string[]) =>
    usageError(
      `The environment lacks credentials of the GitHub App: ${missing.join(", ")}. To register an App and write its credentials to a file, run ${MANIFEST}.`,
      MANIFEST,
    ),
  badAppId: (text: string) =>
    usageError(`APP_ID must be the number on the settings page of the App, not ${quoted(text)}.`, MANIFEST),
  badPrivateKey: (why: string) =>
    usageError(
      `The private key of the GitHub App cannot be read: ${why}. It starts with "-----BEGIN". Set PRIVATE_KEY to the key, or PRIVATE_KEY_PATH to its file.`,
      MANIFEST,
    ),
  badUrl: (option: string, text: string) =>
    usageError(`${option} must be an address such as https://bot.example.com/, not ${quoted(text)}.`),
  badOrganization: (text: string) =>
    usageError(`--org must be the name of an organization as in its URL, not ${quoted(text)}.`),
  notInstalled: (slug: string): UserMessage => ({
    what: `The GitHub App ${quoted(slug)} is not installed in any repository.`,
    next: "open the page of the App on GitHub and choose Install App",
  }),
  noServePort: (host: string, port: number, why: string) =>
    usageError(`Cannot listen on ${host}:${port}: ${why}.`, "trailhand serve --port <a free port>"),
  inboxOwned: (dir: string, pid: number): UserMessage => ({
    what: `The inbox ${dir} is in use by a running server, process ${pid}.`,
    next: "trailhand serve --inbox <another folder>",
  }),
  appCredentialsNotReturned: (why: string): UserMessage => ({
    what: `GitHub did not return the credentials of the App: ${why}`,
    next: `${MANIFEST} --listen`,
  }),
  fileExists: (path: string) =>
    usageError(
      `${path} exists already and is not overwritten, because it may hold the only copy of a key.`,
      `${MANIFEST} --out <another file>`,
    ),
  notInActions: (missing: readonly string[]) =>
    usageError(
      `This command runs in a job of GitHub Actions, and the environment lacks ${missing.join(", ")}.`,
      "trailhand init --github",
    ),
  unfitActionsVariable: (name: string) =>
    usageError(`${name} does not have a value as GitHub Actions sets it.`, "trailhand help action"),
  badEventFile: (path: string, why: string) =>
    usageError(`The event file ${path} cannot be read: ${why}`, "trailhand help action"),
  badUses: (text: string) =>
    usageError(
      `--uses must name an action with the full id of a commit, as owner/name@<40 digits>, not ${quoted(text)}.`,
      "trailhand help init",
    ),
  noGithubToken: () =>
    usageError(
      "No GitHub credentials in the environment: set GITHUB_TOKEN, or APP_ID with PRIVATE_KEY or PRIVATE_KEY_PATH.",
      "trailhand help github",
    ),
  badRepo: (text: string) =>
    usageError(
      text === ""
        ? "No repository given: pass --repo or set GITHUB_REPOSITORY."
        : `--repo must be a repository as owner/name, not ${quoted(text)}.`,
      "trailhand github sync --repo <owner>/<name>",
    ),
  badGithubCommand: (text: string) =>
    usageError(`${quoted(text)} is not a subcommand of github; use sync.`, "trailhand help github"),
  githubRejectsCredentials: (why: string): UserMessage => ({
    what: `GitHub rejects the credentials: ${why}`,
    next: "trailhand help github",
  }),
  responseUnsigned: (why: string): UserMessage => ({
    what: `A response is written without a signature: ${why}`,
  }),
  githubRequestFailed: (why: string): UserMessage => ({
    what: `A request to GitHub failed: ${why}`,
    next: "check the network, GITHUB_API_URL and --repo, then try again",
    exit: EXIT_CODE.failed,
  }),
  usesNeedsGithub: () => usageError("--uses works only together with --github.", "trailhand help init"),
} as const;
