/**
 * `trailhand serve`: the GitHub App on this machine, until it is told to stop.
 *
 * What must hold: without credentials it says which are missing and calls nobody; the first signal
 * lets what is being worked on end, the second leaves at once, and loses nothing either.
 */
import { resolve } from "node:path";
import { cleanLine } from "../../core/util/redact.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import { readBaseUrl, readCredentials, readServer } from "../../github/api/credentials.ts";
import { WEBHOOK_PATH } from "../../github/webhooks/http-server.ts";
import { deliveryInboxFolder, startService } from "../../server/service.ts";
import { createServiceParts } from "../../server/service-parts.ts";
import type { CommandRun } from "../call.ts";
import { numberOption } from "../input.ts";
import { SERVER } from "../../server/timing.ts";
import { CLI } from "../timing.ts";

const PORT = 3000;

export const run: CommandRun = async ({ input, terminal, env }) => {
  const credentials = readCredentials(env);
  const baseUrl = readBaseUrl(env);
  const host = input.value("host") ?? "127.0.0.1";
  const given = input.value("inbox");
  const inbox =
    given === undefined
      ? deliveryInboxFolder(env, credentials.appId, baseUrl)
      : resolve(input.directory, given);
  const say = (text: string) => terminal.say(cleanLine(text, 500));
  const stopped = signalled((text) => say(text));
  const service = await startService({
    credentials,
    baseUrl,
    inbox,
    host,
    port: numberOption(input, "port", 0, 65_535) ?? portOf(env["PORT"]),
    log: say,
    parts: createServiceParts({
      env,
      log: say,
      shouldRun: !input.has("no-run"),
      signed: input.has("signed"),
      directory: inbox,
      server: readServer(env, baseUrl),
    }),
    recoverMs: SERVER.recoverMs,
  });
  if (service.waiting > 0) say(`${service.waiting} deliveries are left from before`);
  terminal.print(`http://${host.includes(":") ? `[${host}]` : host}:${service.port}${WEBHOOK_PATH}`);
  await stopped;
  await service.stop();
  say("Stopped.");
  setTimeout(() => process.exit(EXIT_CODE.done), CLI.lingerMs).unref();
  return EXIT_CODE.done;
};

const portOf = (text: string | undefined): number => (/^\d{1,5}$/.test(text ?? "") ? Number(text) : PORT);

function signalled(say: (text: string) => void): Promise<void> {
  return new Promise((resolve) => {
    let since: number | undefined;
    const onSignal = () => {
      if (since === undefined) {
        since = performance.now();
        say("Stopping: what is being worked on may end. Once more to leave at once.");
        resolve();
      } else if (performance.now() - since > CLI.signalEchoMs) process.exit(EXIT_CODE.failed);
    };
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  });
}
