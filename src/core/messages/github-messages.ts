/**
 * Sentences of the commands by which Trailhand stands in for itself on GitHub.
 *
 * What must hold: the same as in `words.ts`, which hands them on.
 */
import { EXIT_CODE, quoted, usageError, type UserMessage } from "./message-format.ts";

const MANIFEST = "trailhand app-manifest";

export const GITHUB_MESSAGES = {
  noCredentials: (missing: readonly string[]) =>
    usageError(
      `The GitHub App's credentials are missing from the environment: ${missing.join(", ")}. ${MANIFEST} registers an App and writes them to a file.`,
      MANIFEST,
    ),
  badAppId: (text: string) =>
    usageError(
      `APP_ID is the number of the App, as its settings page shows it, not ${quoted(text)}.`,
      MANIFEST,
    ),
  badPrivateKey: (why: string) =>
    usageError(
      `The private key of the GitHub App cannot be read: ${why}. It begins with "-----BEGIN" and is given as PRIVATE_KEY, or by its file as PRIVATE_KEY_PATH.`,
      MANIFEST,
    ),
  badUrl: (option: string, text: string) =>
    usageError(`${option} needs an address such as https://bot.example.com/, not ${quoted(text)}.`),
  badOrganization: (text: string) =>
    usageError(`--org needs the name of an organization as it is in its address, not ${quoted(text)}.`),
  notInstalled: (slug: string): UserMessage => ({
    what: `The GitHub App ${quoted(slug)} is installed nowhere.`,
    next: "install it: its page on GitHub, Install App",
  }),
  noServePort: (host: string, port: number, why: string) =>
    usageError(`Cannot listen at ${host}:${port}: ${why}.`, "trailhand serve --port <a free port>"),
  inboxOwned: (dir: string, pid: number): UserMessage => ({
    what: `The inbox ${dir} belongs to a server that is running, process ${pid}.`,
    next: "trailhand serve --inbox <another folder>",
  }),
  noConversion: (why: string): UserMessage => ({
    what: `GitHub did not hand out the App's credentials: ${why}`,
    next: `${MANIFEST} --listen`,
  }),
  fileIsThere: (path: string) =>
    usageError(
      `${path} is there already, and is not written over: a file of this command may hold the only copy of a key.`,
      `${MANIFEST} --out <another file>`,
    ),
  notInActions: (missing: readonly string[]) =>
    usageError(
      `This is for a job of GitHub Actions, and its environment lacks ${missing.join(", ")}.`,
      "trailhand init --github",
    ),
  unfitActionsVariable: (name: string) =>
    usageError(`${name} does not hold what GitHub Actions puts there.`, "trailhand help action"),
  badEventFile: (path: string, why: string) =>
    usageError(`The event in ${path} cannot be read: ${why}`, "trailhand help action"),
  badUses: (text: string) =>
    usageError(
      `--uses names an action by the full id of a commit, as owner/name@<40 digits>, not ${quoted(text)}.`,
      "trailhand help init",
    ),
  noGithubToken: () =>
    usageError(
      "There is no GITHUB_TOKEN in the environment, and no App: APP_ID with PRIVATE_KEY or PRIVATE_KEY_PATH.",
      "trailhand help github",
    ),
  badRepo: (text: string) =>
    usageError(
      text === ""
        ? "It is not said which repository is meant: there is no --repo, and no GITHUB_REPOSITORY."
        : `--repo needs a repository as owner/name, not ${quoted(text)}.`,
      "trailhand github sync --repo <owner>/<name>",
    ),
  badGithubVerb: (text: string) =>
    usageError(`There is no ${quoted(text)} of github; there is sync.`, "trailhand help github"),
  notUs: (why: string): UserMessage => ({
    what: `GitHub does not say who this token belongs to: ${why}`,
    next: "trailhand help github",
  }),
  answerUnsigned: (why: string): UserMessage => ({ what: `An answer goes out without a signature: ${why}` }),
  noWayToGithub: (why: string): UserMessage => ({
    what: `GitHub cannot be asked: ${why}`,
    next: "look at the network, GITHUB_API_URL and --repo, then run it again",
    exit: EXIT_CODE.failed,
  }),
  usesAlone: () =>
    usageError("--uses says what --github writes, and --github is missing.", "trailhand help init"),
} as const;
