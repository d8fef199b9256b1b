/**
 * `trailhand app-manifest`: registers the GitHub App in one click.
 *
 * What must hold: no file is written over; a file with a key can be read by its owner alone, from its
 * first byte; nothing is sent anywhere but by the person's own click, and the code that it brings.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { EXIT_CODE, UserError, shellWord, MESSAGES } from "../../core/messages/messages.ts";
import { readBaseUrl } from "../../github/api/credentials.ts";
import {
  donePage,
  failedPage,
  formAddress,
  formPage,
  buildManifest,
  manifestSchema,
} from "../../github/api/app-manifest.ts";
import { convertCode, formatCredentials, listenForCode } from "../../github/api/register-app.ts";
import { WEBHOOK_PATH } from "../../github/webhooks/http-server.ts";
import type { CommandCall, CommandRun } from "../call.ts";

/** The build puts it beside the program. */
const MANIFEST = join(import.meta.dirname, typeof BUILD === "string" ? "app.yml" : "../../../app.yml");

export const run: CommandRun = async (call) => {
  const { input, env, terminal } = call;
  const listens = input.has("listen");
  const out = resolve(input.directory, input.value("out") ?? `trailhand-app.${listens ? "env" : "html"}`);
  if (existsSync(out)) throw new UserError(MESSAGES.fileIsThere(out));
  const org = input.value("org");
  if (org !== undefined && !/^[A-Za-z0-9][A-Za-z0-9-]{0,38}$/.test(org)) {
    throw new UserError(MESSAGES.badOrganization(org));
  }
  const webhook = webhookOf(input.value("url"));
  const server = serverOf(env);
  const form = (back?: { redirect: string; state: string }) => {
    const options = { name: input.value("name"), webhook, redirect: back?.redirect };
    const manifest = buildManifest(manifestSchema.parse(parse(readFileSync(MANIFEST, "utf8"))), options);
    return formPage(formAddress(server, org, back?.state), manifest);
  };
  if (webhook === undefined) {
    terminal.say("No --url: the App gets no webhooks until its settings say where the server is.");
  }
  if (listens) return register(call, out, form);
  writeFileSync(out, form(), { flag: "wx" });
  terminal.print(out);
  terminal.say("Open it in a browser. The App's settings page then shows its id and makes its key.");
  terminal.say("next: trailhand app-manifest --listen, to have the credentials written to a file instead");
  return EXIT_CODE.done;
};

async function register(
  { env, terminal }: CommandCall,
  out: string,
  form: (back: { redirect: string; state: string }) => string,
): Promise<number> {
  const back = await listenForCode(form);
  terminal.print(back.address);
  terminal.say("Open it in a browser, and register the App there. Waiting for GitHub …");
  const code = await back.code;
  try {
    const registered = await convertCode(readBaseUrl(env) ?? "https://api.github.com", code);
    writeFileSync(out, formatCredentials(registered), { flag: "wx", mode: 0o600 });
    await back.finish(donePage(`${registered.html_url}/installations/new`));
    terminal.say(`The credentials are in ${out}. Install the App: ${registered.html_url}/installations/new`);
    terminal.say(`next: set -a && . ${shellWord(out)} && set +a && trailhand serve`);
    return EXIT_CODE.done;
  } catch (error) {
    await back.finish(failedPage(error instanceof Error ? error.message : String(error)));
    throw error;
  }
}

/** The address of a server is enough; the path is ours. */
function webhookOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UserError(MESSAGES.badUrl("--url", text));
  }
  const url = new URL(text);
  if (url.pathname === "/") url.pathname = WEBHOOK_PATH;
  return url.href;
}

function serverOf(env: CommandCall["env"]): string {
  const text =
    env["GITHUB_SERVER_URL"] || (env["GHE_HOST"] ? `https://${env["GHE_HOST"]}` : "https://github.com");
  if (!URL.canParse(text)) throw new UserError(MESSAGES.badUrl("GITHUB_SERVER_URL", text));
  return text.replace(/\/+$/, "");
}
