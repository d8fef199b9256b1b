/**
 * The entry point for `probot run`: the same App in Probot's own server.
 *
 * There is no inbox here. A delivery that is being processed when the process dies is lost until the
 * next sweep.
 */
import type { Probot } from "probot";
import { createApp } from "../github/api/probot-app.ts";
import { appNumber, readBaseUrl, readServer } from "../github/api/credentials.ts";
import { deliveryHandler, deliveryInboxFolder, identityLoader } from "./service.ts";
import { createServiceParts } from "./service-parts.ts";

export default function trailhand(app: Probot): void {
  const log = (text: string) => app.log.warn(text);
  const { env } = process;
  const self = identityLoader(app, appNumber(env));
  const baseUrl = readBaseUrl(env);
  const where = {
    directory: deliveryInboxFolder(env, appNumber(env), baseUrl),
    server: readServer(env, baseUrl),
  };
  createApp(deliveryHandler(createServiceParts({ env, log, shouldRun: true, ...where })(app, self), self))(
    app,
  );
}
