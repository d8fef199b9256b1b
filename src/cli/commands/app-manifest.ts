/** `trailhand app-manifest`: registers the GitHub App in one click. */
import { resolve } from "node:path";
import { EXIT_CODE, shellWord } from "../../core/messages/messages.ts";
import { registerApp, writeRegistrationPage } from "../../server/register-app.ts";
import type { Command, CommandCall } from "../command.ts";

export const command: Command = {
  name: "app-manifest",
  group: "github",
  what: "Register the GitHub App in one click, and keep its credentials.",
  more: "Writes a page with the least permissions that are needed. Opened in a browser, its button registers the App. With --listen the page is served on the loopback, and the credentials from GitHub are written to a file that only you can read. GITHUB_SERVER_URL and GITHUB_API_URL name another GitHub.",
  options: [
    { name: "url", value: "address", what: "The address of the server: https://bot.example.com/" },
    { name: "org", value: "name", what: "Register it for an organization; default: for yourself." },
    { name: "name", value: "text", what: "The App's name, unique on GitHub; default: Trailhand." },
    { name: "listen", what: "Serve the page, and receive the credentials from GitHub." },
    {
      name: "out",
      value: "file",
      what: "The file to write; default: trailhand-app.html, or trailhand-app.env with --listen.",
    },
  ],
  examples: [
    {
      line: "trailhand app-manifest --listen --url https://bot.example.com/",
      what: "register it, and keep the credentials",
    },
    {
      line: "trailhand app-manifest --org example",
      what: "a page that an owner of the organization opens",
    },
  ],
  run,
};

async function run({ input, env, terminal }: CommandCall): Promise<number> {
  const listens = input.has("listen");
  const url = input.value("url");
  const out = resolve(input.directory, input.value("out") ?? `trailhand-app.${listens ? "env" : "html"}`);
  const registration = { env, out, name: input.value("name"), org: input.value("org"), url };
  if (url === undefined)
    terminal.say("No --url: the App gets no webhooks until its settings name the address of the server.");
  if (!listens) {
    writeRegistrationPage(registration);
    terminal.print(out);
    terminal.say("Open it in a browser. The App's settings page then shows its id and creates its key.");
    terminal.say("next: trailhand app-manifest --listen, to have the credentials written to a file instead");
    return EXIT_CODE.done;
  }
  const installation = await registerApp(registration, (address) => {
    terminal.print(address);
    terminal.say("Open it in a browser, and register the App there. Waiting for GitHub …");
  });
  terminal.say(`The credentials are in ${out}. Install the App: ${installation}`);
  terminal.say(`next: set -a && . ${shellWord(out)} && set +a && trailhand serve`);
  return EXIT_CODE.done;
}
