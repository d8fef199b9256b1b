/**
 * Opens GitHub to read and update what it shows, with a token or as the App.
 *
 * Invariants:
 * - The token comes from the environment or from GitHub, and is stored nowhere.
 * - GitHub itself says which account the token belongs to.
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

type ThrottleSettings = Pick<ThrottleOptions, "throttle" | "sleep">;

export type OpenGithub = (env: Environment, repo: Repo, log: (text: string) => void) => Promise<OpenedGithub>;

/** Throws a UserError when there are no credentials, or GitHub rejects them. */
export async function openGithub(
  env: Environment,
  repo: Repo,
  log: (text: string) => void,
  throttling: ThrottleSettings = { throttle: new RequestThrottle() },
): Promise<OpenedGithub> {
  const token = env["GITHUB_TOKEN"]?.trim() ?? "";
  const baseUrl = readBaseUrl(env);
  try {
    const settings = { ...throttling, log };
    if (token !== "") return await openAsTokenOwner(token, baseUrl, env, repo, settings);
    if (!env["APP_ID"]) throw new UserError(MESSAGES.noGithubToken());
    return await openAsApp(env, baseUrl, repo, settings);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const isRefused = error instanceof RequestDeclined && error.decision.kind === "refused";
    throw new UserError(
      isRefused ? MESSAGES.githubRejectsCredentials(why) : MESSAGES.githubRequestFailed(why),
      { cause: error },
    );
  }
}

async function openAsTokenOwner(
  token: string,
  baseUrl: string | undefined,
  env: Environment,
  repo: Repo,
  settings: ThrottleSettings & Pick<ThrottleOptions, "log">,
): Promise<OpenedGithub> {
  const octokit = await openClient({ baseUrl, ...settings, token: () => Promise.resolve(token) });
  const publisher = octokitPublisher(octokit.request, repo);
  try {
    const { data } = await octokit.request("GET /user");
    return { publisher, self: { accountId: Number(data.id), appId: undefined } };
  } catch (error) {
    // A job's token belongs to an App, and GET /user works for users only.
    if (!(error instanceof RequestDeclined) || error.status !== 403 || env["GITHUB_ACTIONS"] !== "true")
      throw error;
    const accountId = await accountNumber(octokit, ACTIONS.login);
    const isDotCom = baseUrl === undefined || new URL(baseUrl).host === "api.github.com";
    return { publisher, self: { accountId, appId: isDotCom ? ACTIONS.appId : undefined } };
  }
}

async function openAsApp(
  env: Environment,
  baseUrl: string | undefined,
  repo: Repo,
  settings: ThrottleSettings & { readonly log: (text: string) => void },
): Promise<OpenedGithub> {
  // No webhooks are received here, so the secret is not needed.
  const credentials = readCredentials({ ...env, WEBHOOK_SECRET: env["WEBHOOK_SECRET"] || "none" });
  const app = await openApp({ credentials, baseUrl, log: settings.log });
  const asApp = await app.auth();
  const { data: about } = await asApp.request("GET /app");
  const octokit = (await app.auth(await installationOf(app, repo))) as unknown as Octokit;
  addThrottle(octokit, settings);
  const publisher = octokitPublisher(octokit.request, repo);
  const accountId = await accountNumber(octokit, `${about?.slug ?? ""}[bot]`);
  return { publisher, self: { accountId, appId: credentials.appId } };
}
