/** A stub of GitHub's API, and the secrets that a webhook server needs. */
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** GitHub's example payloads of an event. */
export interface Example {
  readonly name: string;
  readonly examples: readonly object[];
}

export const EXAMPLES = createRequire(import.meta.url)("@octokit/webhooks-examples") as readonly Example[];

export const SECRET = "the secret of the tests";

export const PRIVATE_KEY = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();

export interface Stub {
  readonly url: string;
  /** Requests such as `GET /app?per_page=100`, in order. */
  readonly asked: string[];
}

export interface Reply {
  readonly status?: number;
  /** Text is sent unchanged, other values as JSON. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** Starts a server whose replies come from `answer`; undefined means 404. */
export async function stubGitHub(
  answer: (asked: string, request: IncomingMessage, url: string) => Reply | undefined,
): Promise<Stub> {
  const asked: string[] = [];
  let url = "";
  const server = createServer((request, response) => {
    const line = `${request.method} ${request.url}`;
    asked.push(line);
    const { status = 200, body, headers = {} } = answer(line, request, url) ?? { status: 404, body: {} };
    request.resume();
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { url, asked };
}
