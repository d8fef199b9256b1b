/**
 * Registers the GitHub App by a page with one button.
 *
 * Invariants:
 * - No file is overwritten. Only its owner can read a file with a key, from its first byte.
 * - Nothing is sent except by the person's own click, and by the code that the click returns.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Environment } from "../app/workspace.ts";
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import {
  donePage,
  failedPage,
  formAddress,
  formPage,
  buildManifest,
  manifestSchema,
} from "../github/api/app-manifest.ts";
import { readBaseUrl } from "../github/api/credentials.ts";
import { convertCode, formatCredentials, listenForCode } from "../github/api/register-app.ts";
import { WEBHOOK_PATH } from "../github/webhooks/http-server.ts";

/** The build copies it beside the program. */
const MANIFEST = join(import.meta.dirname, typeof BUILD === "string" ? "app.yml" : "../../app.yml");
const API = "https://api.github.com";

export interface Registration {
  readonly env: Environment;
  /** The file to write. */
  readonly out: string;
  /** The name of the App. */
  readonly name: string | undefined;
  /** The organization that owns the App; default: the person. */
  readonly org: string | undefined;
  /** The address of the server; undefined: the App gets no webhooks yet. */
  readonly url: string | undefined;
}

/** Writes the page with the button. Throws a UserError for an invalid option, or an existing file. */
export function writeRegistrationPage(registration: Registration): void {
  const form = formOf(registration);
  writeFileSync(registration.out, form(), { flag: "wx" });
}

/**
 * Serves the page on the loopback, and writes the credentials that GitHub returns.
 * Returns the address that installs the App.
 */
export async function registerApp(
  registration: Registration,
  onAddress: (address: string) => void,
): Promise<string> {
  const listener = await listenForCode(formOf(registration));
  onAddress(listener.address);
  const code = await listener.code;
  try {
    const registered = await convertCode(readBaseUrl(registration.env) ?? API, code);
    writeFileSync(registration.out, formatCredentials(registered), { flag: "wx", mode: 0o600 });
    const installation = `${registered.html_url}/installations/new`;
    await listener.finish(donePage(installation));
    return installation;
  } catch (error) {
    await listener.finish(failedPage(error instanceof Error ? error.message : String(error)));
    throw error;
  }
}

type Form = (back?: { readonly redirect: string; readonly state: string }) => string;

function formOf({ env, out, name, org, url }: Registration): Form {
  if (existsSync(out)) throw new UserError(MESSAGES.fileExists(out));
  if (org !== undefined && !/^[A-Za-z0-9][A-Za-z0-9-]{0,38}$/.test(org))
    throw new UserError(MESSAGES.badOrganization(org));
  const webhook = url === undefined ? undefined : webhookAt(url);
  const server = serverOf(env);
  return (back) => {
    const template = manifestSchema.parse(parse(readFileSync(MANIFEST, "utf8")));
    const manifest = buildManifest(template, { name, webhook, redirect: back?.redirect });
    return formPage(formAddress(server, org, back?.state), manifest);
  };
}

/** An address without a path gets the path of the webhooks. */
function webhookAt(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new UserError(MESSAGES.badUrl("--url", text));
  const url = new URL(text);
  if (url.pathname === "/") url.pathname = WEBHOOK_PATH;
  return url.href;
}

function serverOf(env: Environment): string {
  const text =
    env["GITHUB_SERVER_URL"] || (env["GHE_HOST"] ? `https://${env["GHE_HOST"]}` : "https://github.com");
  if (!URL.canParse(text)) throw new UserError(MESSAGES.badUrl("GITHUB_SERVER_URL", text));
  return text.replace(/\/+$/, "");
}
