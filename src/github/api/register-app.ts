/**
 * Receives the code of GitHub's manifest flow on a local page, and exchanges it for credentials.
 *
 * Invariants:
 * - The page listens on the loopback interface only, and only under that host name.
 * - A code counts only with the `state` of this page, and is used once.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import * as z from "zod";
import { UserError, MESSAGES } from "../../core/messages/messages.ts";
import { failedPage } from "./app-manifest.ts";
import { API } from "../timing.ts";

const conversionSchema = z.object({
  id: z.number(),
  slug: z.string(),
  html_url: z.url(),
  pem: z.string().includes("-----BEGIN"),
  webhook_secret: z.string().nullish(),
});

export type RegisteredApp = z.infer<typeof conversionSchema>;

export interface CodeListener {
  /** The address of the page. */
  readonly address: string;
  readonly redirect: string;
  readonly state: string;
  /** Resolves with the code. */
  readonly code: Promise<string>;
  /** Sends the last page to the browser, and stops listening. */
  readonly finish: (html: string) => Promise<void>;
}

const CODE = /^[\w-]{1,100}$/;

/** Serves the page that `form` renders until a code arrives. */
export async function listenForCode(
  form: (back: { redirect: string; state: string }) => string,
): Promise<CodeListener> {
  const state = randomBytes(24).toString("hex");
  let sendLastPage: (html: string) => void = () => undefined;
  const lastPage = new Promise<string>((resolve) => (sendLastPage = resolve));
  let resolveCode: (code: string) => void = () => undefined;
  const code = new Promise<string>((resolve) => (resolveCode = resolve));
  let address = "";
  const server = createServer((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.setHeader("cache-control", "no-store");
    response.setHeader("referrer-policy", "no-referrer");
    const url = new URL(request.url ?? "/", address);
    if (!isOwnHost(request, address) || request.method !== "GET") response.writeHead(404).end();
    else if (url.pathname === "/") response.end(form({ redirect: `${address}/back`, state }));
    else if (url.pathname !== "/back") response.writeHead(404).end();
    else if (!isSameState(url.searchParams.get("state") ?? "", state)) {
      response.writeHead(400).end(failedPage("This redirect does not belong to the page that was opened."));
    } else if (!CODE.test(url.searchParams.get("code") ?? "")) {
      response.writeHead(400).end(failedPage("GitHub sent no code."));
    } else {
      resolveCode(url.searchParams.get("code") ?? "");
      void lastPage.then((html) => response.setHeader("connection", "close").end(html));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const finish = (html: string) => {
    sendLastPage(html);
    return new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  };
  return { address, redirect: `${address}/back`, state, code, finish };
}

/** Exchanges the code for the credentials of the App. Throws a UserError. */
export async function convertCode(baseUrl: string, code: string): Promise<RegisteredApp> {
  const response = await fetch(`${baseUrl}/app-manifests/${code}/conversions`, {
    method: "POST",
    headers: { accept: "application/vnd.github+json", "user-agent": "trailhand" },
    signal: AbortSignal.timeout(API.timeoutMs),
  }).catch((cause: unknown) => {
    throw new UserError(
      MESSAGES.appCredentialsNotReturned(cause instanceof Error ? cause.message : String(cause)),
      { cause },
    );
  });
  if (!response.ok) throw new UserError(MESSAGES.appCredentialsNotReturned(`status ${response.status}`));
  const read = conversionSchema.safeParse(await response.json().catch(() => undefined));
  if (!read.success)
    throw new UserError(
      MESSAGES.appCredentialsNotReturned("the response does not have the documented shape"),
    );
  return read.data;
}

/** Environment variables in the form that shells and most service managers read. */
export function formatCredentials({ id, pem, webhook_secret, html_url }: RegisteredApp): string {
  return [
    `# The credentials of ${html_url}`,
    `APP_ID=${id}`,
    `PRIVATE_KEY="${pem.trim().replaceAll("\n", "\\n")}"`,
    `WEBHOOK_SECRET=${webhook_secret ?? ""}`,
    "",
  ].join("\n");
}

/** Rejects other host names that resolve to this machine (DNS rebinding). */
const isOwnHost = (request: IncomingMessage, address: string): boolean =>
  `http://${request.headers.host ?? ""}` === address;

function isSameState(given: string, state: string): boolean {
  return given.length === state.length && timingSafeEqual(Buffer.from(given), Buffer.from(state));
}
