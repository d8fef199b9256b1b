/**
 * Who the App is: read from the environment, by the names that Probot reads.
 *
 * What must hold: what is missing is said at once and by name; nothing calls out to find it.
 */
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { UserError, MESSAGES } from "../../core/messages/messages.ts";

export interface Credentials {
  readonly appId: number;
  readonly privateKey: string;
  readonly secret: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws a Fault that names all that is missing. */
export function readCredentials(env: Environment): Credentials {
  const given = (name: string) => env[name]?.trim() ?? "";
  const hasKey = given("PRIVATE_KEY") !== "" || given("PRIVATE_KEY_PATH") !== "";
  const missing = [
    ...(given("APP_ID") === "" ? ["APP_ID"] : []),
    ...(hasKey ? [] : ["PRIVATE_KEY or PRIVATE_KEY_PATH"]),
    ...(given("WEBHOOK_SECRET") === "" ? ["WEBHOOK_SECRET"] : []),
  ];
  if (missing.length > 0) throw new UserError(MESSAGES.noCredentials(missing));
  return {
    appId: appNumber(env),
    privateKey: readKey(given("PRIVATE_KEY"), given("PRIVATE_KEY_PATH")),
    secret: given("WEBHOOK_SECRET"),
  };
}

/** The number of the App. Throws a Fault when it is none. */
export function appNumber(env: Environment): number {
  const id = env["APP_ID"]?.trim() ?? "";
  if (!/^[1-9]\d{0,14}$/.test(id)) throw new UserError(MESSAGES.badAppId(id));
  return Number(id);
}

/** Files of environment settings hold one line: the key comes with `\n` in it, or as base64. */
function readKey(text: string, path: string): string {
  try {
    const found = text === "" ? readFileSync(path, "utf8").trim() : text;
    const lines = found.includes("-----BEGIN") ? found : Buffer.from(found, "base64").toString();
    const pem = lines.replaceAll("\\n", "\n").replace(/^"|"$/g, "");
    createPrivateKey(pem);
    return pem;
  } catch (cause) {
    throw new UserError(MESSAGES.badPrivateKey(cause instanceof Error ? cause.message : String(cause)), {
      cause,
    });
  }
}

/** Where GitHub's API is; another for GitHub Enterprise Server. */
export function readBaseUrl(env: Environment): string | undefined {
  const host = env["GHE_HOST"] ? `https://${env["GHE_HOST"]}/api/v3` : undefined;
  const text = env["GITHUB_API_URL"] || host;
  if (text === undefined) return undefined;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UserError(MESSAGES.badUrl("GITHUB_API_URL", text));
  }
  return text.replace(/\/+$/, "");
}

/** Where the pages and git are: named by the environment, or beside the API, as GitHub puts it. */
export function readServer(env: Environment, baseUrl: string | undefined): string {
  const named = env["GITHUB_SERVER_URL"];
  if (named) return named.replace(/\/+$/, "");
  if (baseUrl === undefined || new URL(baseUrl).host === "api.github.com") return "https://github.com";
  return new URL(baseUrl).origin;
}
