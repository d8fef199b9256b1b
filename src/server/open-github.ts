/**
 * Opens GitHub for the commands that show the work there: as the owner of a token, or as the App.
 *
 * What must hold: a token comes from the environment or from GitHub, and is written nowhere; whoever
 * we are is asked of GitHub, and never read from a text.
 */
import type { Octokit } from "@octokit/rest";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { ACTIONS } from "../github/api/actions-context.ts";
import { RequestDeclined, addThrottle, openClient, type ThrottleOptions } from "../github/api/client.ts";
import { readBaseUrl, readCredentials } from "../github/api/credentials.ts";
import type { Repo } from "../github/api/repo.ts";
import { octokitPublisher } from "../github/display/octokit-publisher.ts";
import { RequestThrottle } from "../github/api/request-throttle.ts";
import type { PublisherIdentity, Publisher } from "../github/display/publisher-port.ts";
import type { Environment } from "../app/workspace.ts";
import { accountNumber, installationOf } from "./installation.ts";
import { openApp } from "./service.ts";

export interface OpenedGithub {
  readonly publisher: Publisher;
  readonly self: PublisherIdentity;
}

/** How fast GitHub is asked. */
type ThrottleSettings = Pick<ThrottleOptions, "throttle" | "sleep">;

export type OpenGithub = (env: Environment, repo: Repo, log: (text: string) => void) => Promise<OpenedGithub>;

/** Throws a Fault when there are no credentials, or GitHub does not know them. */
export async function openGithub(
  env: Environment,
  repo: Repo,
  log: (text: string) => void,
  pace: ThrottleSettings = { throttle: new RequestThrottle() },
): Promise<OpenedGithub> {
  const token = env["GITHUB_TOKEN"]?.trim() ?? "";
  const baseUrl = readBaseUrl(env);
  try {
    const how = { ...pace, log };
    if (token !== "") return await openAsTokenOwner(token, baseUrl, env, repo, how);
    if (!env["APP_ID"]) throw new UserError(MESSAGES.noGithubToken());
    return await openAsApp(env, baseUrl, repo, how);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const isAnswer = error instanceof RequestDeclined && error.decision.kind === "refused";
    throw new UserError(isAnswer ? MESSAGES.notUs(why) : MESSAGES.noWayToGithub(why), { cause: error });
  }
}

async function openAsTokenOwner(
  token: string,
  baseUrl: string | undefined,
  env: Environment,
  repo: Repo,
  pace: ThrottleSettings & Pick<ThrottleOptions, "log">,
): Promise<OpenedGithub> {
  const octokit = await openClient({ baseUrl, ...pace, token: () => Promise.resolve(token) });
  const publisher = octokitPublisher(octokit.request, repo);
  try {
    const { data } = await octokit.request("GET /user");
    return { publisher, self: { accountId: Number(data.id), appId: undefined } };
  } catch (error) {
    // The token of a job belongs to an App, and an App is no user.
    if (!(error instanceof RequestDeclined) || error.status !== 403 || env["GITHUB_ACTIONS"] !== "true")
      throw error;
    const accountId = await accountNumber(octokit, ACTIONS.login);
    const isDotCom = baseUrl === undefined || new URL(baseUrl).host === "api.github.com";
    return { publisher: publisher, self: { accountId, appId: isDotCom ? ACTIONS.appId : undefined } };
  }
}

async function openAsApp(
  env: Environment,
  baseUrl: string | undefined,
  repo: Repo,
  pace: ThrottleSettings & { readonly log: (text: string) => void },
): Promise<OpenedGithub> {
  // No webhook comes here, so that its secret is not needed.
  const credentials = readCredentials({ ...env, WEBHOOK_SECRET: env["WEBHOOK_SECRET"] || "none" });
  const app = await openApp({ credentials, baseUrl, log: pace.log });
  const asItself = await app.auth();
  const { data: about } = await asItself.request("GET /app");
  const octokit = (await app.auth(await installationOf(app, repo))) as unknown as Octokit;
  addThrottle(octokit, pace);
  const publisher = octokitPublisher(octokit.request, repo);
  const accountId = await accountNumber(octokit, `${about?.slug ?? ""}[bot]`);
  return { publisher, self: { accountId, appId: credentials.appId } };
}
