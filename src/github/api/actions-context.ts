/**
 * Reads the environment of a job of GitHub Actions.
 *
 * Invariants:
 * - Git gets the token through its environment, for the job's own server only.
 * - The environment of scripts contains neither the token nor the files that pass data to later steps.
 * - An unreadable pull request event counts as coming from a fork.
 */
import { UserError, MESSAGES } from "../../core/messages/messages.ts";
import type { Repo } from "./repo.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface JobContext {
  /** The name of the event, such as `issue_comment`. */
  readonly event: string;
  readonly eventPath: string;
  readonly repo: Repo;
  /** `https://github.com`, or that of GitHub Enterprise Server; no slash at the end. */
  readonly server: string;
  /** The address of the API; no slash at the end. */
  readonly api: string;
  readonly token: string;
  /** The number of the account that the token writes as; `job` stands for the job's own token. */
  readonly account: number | "job" | undefined;
  /** The files for the summary and the outputs of the step, if the runner provides them. */
  readonly summaryPath: string | undefined;
  readonly outputPath: string | undefined;
}

/** The account and the App behind a job's own token, with their numbers on github.com. */
export const ACTIONS = { id: 41_898_282, login: "github-actions[bot]", appId: 15_368 };

const REQUIRED = [
  "GITHUB_EVENT_NAME",
  "GITHUB_EVENT_PATH",
  "GITHUB_REPOSITORY",
  "GITHUB_SERVER_URL",
  "GITHUB_API_URL",
  "GITHUB_TOKEN",
] as const;

/** Throws a UserError that names missing or invalid variables. */
export function readJobContext(env: Environment): JobContext {
  const missing = REQUIRED.filter((name) => !env[name]);
  if (missing.length > 0) throw new UserError(MESSAGES.notInActions(missing));
  const valueOf = (name: (typeof REQUIRED)[number]) => env[name] ?? "";
  const [, owner, name] = /^([\w.-]+)\/([\w.-]+)$/.exec(valueOf("GITHUB_REPOSITORY")) ?? [];
  if (owner === undefined || name === undefined) throw invalidVariable("GITHUB_REPOSITORY");
  if (!/^[\w]+$/.test(valueOf("GITHUB_EVENT_NAME"))) throw invalidVariable("GITHUB_EVENT_NAME");
  // The token becomes a header line, so it must not contain a line break. Messages never show it.
  if (!/^[!-~]+$/.test(valueOf("GITHUB_TOKEN"))) throw invalidVariable("GITHUB_TOKEN");
  return {
    event: valueOf("GITHUB_EVENT_NAME"),
    eventPath: valueOf("GITHUB_EVENT_PATH"),
    repo: { owner, name },
    server: readAddress(valueOf("GITHUB_SERVER_URL"), "GITHUB_SERVER_URL"),
    api: readAddress(valueOf("GITHUB_API_URL"), "GITHUB_API_URL"),
    token: valueOf("GITHUB_TOKEN"),
    account: readAccount(env["TRAILHAND_ACCOUNT"] ?? "job"),
    summaryPath: env["GITHUB_STEP_SUMMARY"] || undefined,
    outputPath: env["GITHUB_OUTPUT"] || undefined,
  };
}

const invalidVariable = (name: string) => new UserError(MESSAGES.unfitActionsVariable(name));

function readAccount(text: string): number | "job" | undefined {
  if (text === "job") return text;
  if (text !== "" && !/^[1-9]\d{0,14}$/.test(text)) throw invalidVariable("TRAILHAND_ACCOUNT");
  return text === "" ? undefined : Number(text);
}

function readAddress(text: string, name: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  if (!isPlain || url.search !== "" || url.hash !== "") throw invalidVariable(name);
  return text.replace(/\/+$/, "");
}

/** The git address of the repository. */
export const remoteOf = ({ server, repo }: JobContext): string => `${server}/${repo.owner}/${repo.name}`;

/** The environment for git commands that access the remote. It contains the token as a git setting. */
export function remoteEnvironment(
  env: Environment,
  { server, token }: Pick<JobContext, "server" | "token">,
): Environment {
  const password = btoa(`x-access-token:${token}`);
  return {
    ...scriptEnvironment(env),
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: `http.${server}/.extraheader`,
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${password}`,
  };
}

/** Variables for the step itself. Scripts never get them, even when a workflow lists them. */
const STEP_ONLY =
  /^(?:ACTIONS_.*|INPUT_.*|GIT_CONFIG_(?:COUNT|PARAMETERS|KEY_.*|VALUE_.*)|GH_TOKEN|GITHUB_(?:TOKEN|ENV|OUTPUT|PATH|STATE|STEP_SUMMARY|EVENT_PATH))$/i;

/** The environment from which scripts get their variables. */
export function scriptEnvironment(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !STEP_ONLY.test(name)));
}

/** True for an event about a pull request whose head is in another repository. */
export function isForkEvent(event: string, payload: unknown): boolean {
  if (!event.startsWith("pull_request")) return false;
  const pull = propertyOf(payload, "pull_request");
  const [head, base] = ["head", "base"].map((side) =>
    propertyOf(propertyOf(propertyOf(pull, side), "repo"), "id"),
  );
  // The repository of the head is null when the fork was deleted.
  return typeof head !== "number" || head !== base;
}

const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
