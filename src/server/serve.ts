/** Starts the GitHub App on this machine, by its environment. */
import type { Environment } from "../app/workspace.ts";
import { readBaseUrl, readCredentials, readServer } from "../github/api/credentials.ts";
import { WEBHOOK_PATH } from "../github/webhooks/http-server.ts";
import { createServiceParts } from "./service-parts.ts";
import { deliveryInboxFolder, startService, type Service } from "./service.ts";
import { SERVER } from "./timing.ts";

const HOST = "127.0.0.1";
const PORT = 3000;

export interface ServeOptions {
  readonly env: Environment;
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** The folder of the inbox; default: below XDG_STATE_HOME. */
  readonly inbox: string | undefined;
  /** Run states on this machine. */
  readonly runs: boolean;
  /** Let GitHub create and sign the commits of responses. */
  readonly signed: boolean;
  readonly say: (text: string) => void;
}

export interface RunningServer extends Service {
  /** Where GitHub sends its webhooks. */
  readonly url: string;
}

/** Throws a UserError that names missing credentials. */
export async function startServer({
  env,
  host = HOST,
  port,
  inbox: folder,
  runs,
  signed,
  say,
}: ServeOptions): Promise<RunningServer> {
  const credentials = readCredentials(env);
  const baseUrl = readBaseUrl(env);
  const inbox = folder ?? deliveryInboxFolder(env, credentials.appId, baseUrl);
  const server = readServer(env, baseUrl);
  const service = await startService({
    credentials,
    baseUrl,
    inbox,
    host,
    port: port ?? portOf(env["PORT"]),
    log: say,
    parts: createServiceParts({ env, log: say, shouldRun: runs, signed, directory: inbox, server }),
    recoverMs: SERVER.recoverMs,
  });
  const name = host.includes(":") ? `[${host}]` : host;
  return { ...service, url: `http://${name}:${service.port}${WEBHOOK_PATH}` };
}

const portOf = (text: string | undefined): number => (/^\d{1,5}$/.test(text ?? "") ? Number(text) : PORT);
