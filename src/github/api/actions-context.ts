/**
 * What a job of GitHub Actions is told about itself and the event that started it.
 *
 * What must hold: pure; the token goes to git alone, for the server that it is for alone, by the
 * environment; what scripts are given is made without it and without the files by which a step
 * speaks to those after it; an event about a fork's pull request that cannot be read is one.
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
  /** Where the API is; no slash at the end. */
  readonly api: string;
  readonly token: string;
  /** The number of the account that the token writes by; `job` is that of a job's own token. */
  readonly account: number | "job" | undefined;
  /** Where the step writes its summary and its outputs, where there is a place for them. */
  readonly summaryPath: string | undefined;
  readonly outputPath: string | undefined;
}

/** The account that writes with the token of a job, and its App, as github.com numbers them. */
export const ACTIONS = { id: 41_898_282, login: "github-actions[bot]", appId: 15_368 };

const REQUIRED = [
  "GITHUB_EVENT_NAME",
  "GITHUB_EVENT_PATH",
  "GITHUB_REPOSITORY",
  "GITHUB_SERVER_URL",
  "GITHUB_API_URL",
  "GITHUB_TOKEN",
] as const;

/** Reads the variables that every job has. Throws a Fault that names those that are missing. */
export function readJobContext(env: Environment): JobContext {
  const missing = REQUIRED.filter((name) => !env[name]);
  if (missing.length > 0) throw new UserError(MESSAGES.notInActions(missing));
  const given = (name: (typeof REQUIRED)[number]) => env[name] ?? "";
  const [, owner, name] = /^([\w.-]+)\/([\w.-]+)$/.exec(given("GITHUB_REPOSITORY")) ?? [];
  if (owner === undefined || name === undefined) throw invalidVariable("GITHUB_REPOSITORY");
  if (!/^[\w]+$/.test(given("GITHUB_EVENT_NAME"))) throw invalidVariable("GITHUB_EVENT_NAME");
  // It becomes a line of a header; the value itself is not shown.
  if (!/^[!-~]+$/.test(given("GITHUB_TOKEN"))) throw invalidVariable("GITHUB_TOKEN");
  return {
    event: given("GITHUB_EVENT_NAME"),
    eventPath: given("GITHUB_EVENT_PATH"),
    repo: { owner, name },
    server: readAddress(given("GITHUB_SERVER_URL"), "GITHUB_SERVER_URL"),
    api: readAddress(given("GITHUB_API_URL"), "GITHUB_API_URL"),
    token: given("GITHUB_TOKEN"),
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

/** The address of the repository, for git. */
export const remoteOf = ({ server, repo }: JobContext): string => `${server}/${repo.owner}/${repo.name}`;

/** The environment of the git processes that speak with the remote: the token is a setting of theirs. */
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

/** What only the step itself may have; a workflow that lists it gives its scripts nothing. */
const STEP_ONLY =
  /^(?:ACTIONS_.*|INPUT_.*|GIT_CONFIG_(?:COUNT|PARAMETERS|KEY_.*|VALUE_.*)|GH_TOKEN|GITHUB_(?:TOKEN|ENV|OUTPUT|PATH|STATE|STEP_SUMMARY|EVENT_PATH))$/i;

/** The environment that scripts are given theirs out of. */
export function scriptEnvironment(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !STEP_ONLY.test(name)));
}

/** True for an event about a pull request whose head is not in the repository itself. */
export function isForkEvent(event: string, payload: unknown): boolean {
  if (!event.startsWith("pull_request")) return false;
  const pull = propertyOf(payload, "pull_request");
  const [head, base] = ["head", "base"].map((side) =>
    propertyOf(propertyOf(propertyOf(pull, side), "repo"), "id"),
  );
  // A fork that was deleted has no repository any more.
  return typeof head !== "number" || head !== base;
}

const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
