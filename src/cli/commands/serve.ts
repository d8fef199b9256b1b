/**
 * `trailhand serve`: the GitHub App on this machine, until a signal stops it.
 *
 * Invariants:
 * - The first signal lets running work end. The second one exits at once, and loses nothing either.
 */
import { resolve } from "node:path";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import { startServer } from "../../server/serve.ts";
import type { Command, CommandCall } from "../command.ts";
import { numberOption } from "../input.ts";
import { signedOption } from "../options.ts";
import { printable } from "../render/terminal.ts";
import { CLI } from "../timing.ts";

export const command: Command = {
  name: "serve",
  group: "github",
  what: "Serve as a GitHub App: receive webhooks, act on them, and run what they ask for.",
  more: "Reads APP_ID, PRIVATE_KEY (or PRIVATE_KEY_PATH) and WEBHOOK_SECRET from the environment; GITHUB_API_URL for GitHub Enterprise Server. Webhooks go to /api/github/webhooks; /healthz and /readyz report the health. SIGTERM lets running work end.",
  options: [
    { name: "port", value: "n", what: "The port; default: PORT or 3000." },
    { name: "host", value: "address", what: "The address to listen on; default: 127.0.0.1." },
    { name: "inbox", value: "dir", what: "Where deliveries wait; default: below XDG_STATE_HOME." },
    { name: "no-run", what: "Run no states here, because runners on other machines do." },
    signedOption,
  ],
  examples: [
    { line: "trailhand serve --port 8080", what: "behind a proxy of the same machine" },
    { line: "trailhand serve --host 0.0.0.0 --no-run", what: "in a container, with runners elsewhere" },
  ],
  run,
};

async function run({ input, terminal, env }: CommandCall): Promise<number> {
  const say = (text: string) => terminal.say(printable(text, 500));
  const inbox = input.value("inbox");
  const port = numberOption(input, "port", 0, 65_535);
  const stopSignal = waitForSignal(say);
  const server = await startServer({
    env,
    host: input.value("host"),
    port,
    inbox: inbox === undefined ? undefined : resolve(input.directory, inbox),
    runs: !input.has("no-run"),
    signed: input.has("signed"),
    say,
  });
  if (server.waiting > 0) say(`${server.waiting} deliveries are left from the previous run`);
  terminal.print(server.url);
  await stopSignal;
  await server.stop();
  say("Stopped.");
  setTimeout(() => process.exit(EXIT_CODE.done), CLI.lingerMs).unref();
  return EXIT_CODE.done;
}

function waitForSignal(say: (text: string) => void): Promise<void> {
  return new Promise((resolve) => {
    let since: number | undefined;
    const onSignal = () => {
      if (since === undefined) {
        since = performance.now();
        say("Stopping: running work may end. Send the signal again to exit at once.");
        resolve();
      } else if (performance.now() - since > CLI.signalEchoMs) process.exit(EXIT_CODE.failed);
    };
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  });
}
