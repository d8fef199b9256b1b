/**
 * The way back from GitHub: a page on the loopback that gets a code, and what the code is worth.
 *
 * What must hold: it listens on the loopback alone, answers to that name alone, and takes no code
 * but with the state that its own page sent; the code is used once.
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
  /** The address of the page; what GitHub is to send people back to. */
  readonly address: string;
  readonly redirect: string;
  readonly state: string;
  /** The code, once it came. */
  readonly code: Promise<string>;
  /** Tells the browser how it ended, and closes. */
  readonly finish: (html: string) => Promise<void>;
}

const CODE = /^[\w-]{1,100}$/;

/** Serves the page that `form` makes until a code comes. */
export async function listenForCode(
  form: (back: { redirect: string; state: string }) => string,
): Promise<CodeListener> {
  const state = randomBytes(24).toString("hex");
  let answer: (html: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => (answer = resolve));
  let came: (code: string) => void = () => undefined;
  const code = new Promise<string>((resolve) => (came = resolve));
  let address = "";
  const server = createServer((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.setHeader("cache-control", "no-store");
    response.setHeader("referrer-policy", "no-referrer");
    const asked = new URL(request.url ?? "/", address);
    if (!isOwnHost(request, address) || request.method !== "GET") response.writeHead(404).end();
    else if (asked.pathname === "/") response.end(form({ redirect: `${address}/back`, state }));
    else if (asked.pathname !== "/back") response.writeHead(404).end();
    else if (!isSameState(asked.searchParams.get("state") ?? "", state)) {
      response.writeHead(400).end(failedPage("This is not the answer to the page that was opened."));
    } else if (!CODE.test(asked.searchParams.get("code") ?? "")) {
      response.writeHead(400).end(failedPage("GitHub sent no code."));
    } else {
      came(asked.searchParams.get("code") ?? "");
      void ended.then((html) => response.setHeader("connection", "close").end(html));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const end = (html: string) => {
    answer(html);
    return new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  };
  return { address, redirect: `${address}/back`, state, code, finish: end };
}

/** What GitHub hands out for the code. Throws a Fault. */
export async function convertCode(baseUrl: string, code: string): Promise<RegisteredApp> {
  const response = await fetch(`${baseUrl}/app-manifests/${code}/conversions`, {
    method: "POST",
    headers: { accept: "application/vnd.github+json", "user-agent": "trailhand" },
    signal: AbortSignal.timeout(API.timeoutMs),
  }).catch((cause: unknown) => {
    throw new UserError(MESSAGES.noConversion(cause instanceof Error ? cause.message : String(cause)), {
      cause,
    });
  });
  if (!response.ok) throw new UserError(MESSAGES.noConversion(`it answered ${response.status}`));
  const read = conversionSchema.safeParse(await response.json().catch(() => undefined));
  if (!read.success) throw new UserError(MESSAGES.noConversion("its answer is not as documented"));
  return read.data;
}

/** Settings for the environment, as a shell and most service managers read them. */
export function formatCredentials({ id, pem, webhook_secret, html_url }: RegisteredApp): string {
  return [
    `# The credentials of ${html_url}`,
    `APP_ID=${id}`,
    `PRIVATE_KEY="${pem.trim().replaceAll("\n", "\\n")}"`,
    `WEBHOOK_SECRET=${webhook_secret ?? ""}`,
    "",
  ].join("\n");
}

/** A name that somebody else has lead here is not our page. */
const isOwnHost = (request: IncomingMessage, address: string): boolean =>
  `http://${request.headers.host ?? ""}` === address;

function isSameState(given: string, state: string): boolean {
  return given.length === state.length && timingSafeEqual(Buffer.from(given), Buffer.from(state));
}
