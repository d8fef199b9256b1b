/** Reads the credentials of the App from the environment, with the variable names of Probot. */
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { UserError, MESSAGES } from "../../core/messages/messages.ts";

export interface Credentials {
  readonly appId: number;
  readonly privateKey: string;
  readonly secret: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws a UserError that names all missing variables. */
export function readCredentials(env: Environment): Credentials {
  const valueOf = (name: string) => env[name]?.trim() ?? "";
  const hasKey = valueOf("PRIVATE_KEY") !== "" || valueOf("PRIVATE_KEY_PATH") !== "";
  const missing = [
    ...(valueOf("APP_ID") === "" ? ["APP_ID"] : []),
    ...(hasKey ? [] : ["PRIVATE_KEY or PRIVATE_KEY_PATH"]),
    ...(valueOf("WEBHOOK_SECRET") === "" ? ["WEBHOOK_SECRET"] : []),
  ];
  if (missing.length > 0) throw new UserError(MESSAGES.noCredentials(missing));
  return {
    appId: appNumber(env),
    privateKey: readKey(valueOf("PRIVATE_KEY"), valueOf("PRIVATE_KEY_PATH")),
    secret: valueOf("WEBHOOK_SECRET"),
  };
}

/** The number of the App. Throws a UserError when `APP_ID` is not a number. */
export function appNumber(env: Environment): number {
  const id = env["APP_ID"]?.trim() ?? "";
  if (!/^[1-9]\d{0,14}$/.test(id)) throw new UserError(MESSAGES.badAppId(id));
  return Number(id);
}

/** A variable holds one line, so the key has `\n` for its line breaks, or is encoded as base64. */
function readKey(text: string, path: string): string {
  try {
    const encoded = text === "" ? readFileSync(path, "utf8").trim() : text;
    const lines = encoded.includes("-----BEGIN") ? encoded : Buffer.from(encoded, "base64").toString();
    const pem = lines.replaceAll("\\n", "\n").replace(/^"|"$/g, "");
    createPrivateKey(pem);
    return pem;
  } catch (cause) {
    throw new UserError(MESSAGES.badPrivateKey(cause instanceof Error ? cause.message : String(cause)), {
      cause,
    });
  }
}

/** The address of the API; undefined for github.com. */
export function readBaseUrl(env: Environment): string | undefined {
  const host = env["GHE_HOST"] ? `https://${env["GHE_HOST"]}/api/v3` : undefined;
  const text = env["GITHUB_API_URL"] || host;
  if (text === undefined) return undefined;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UserError(MESSAGES.badUrl("GITHUB_API_URL", text));
  }
  return text.replace(/\/+$/, "");
}

/** The address of the web pages and of git: from the environment, or derived from the API's. */
export function readServer(env: Environment, baseUrl: string | undefined): string {
  const named = env["GITHUB_SERVER_URL"];
  if (named) return named.replace(/\/+$/, "");
  if (baseUrl === undefined || new URL(baseUrl).host === "api.github.com") return "https://github.com";
  return new URL(baseUrl).origin;
}
