/** A stand-in for GitHub's API, and what a server of ours needs to start beside it. */
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** GitHub's own examples of an event. */
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
  /** `GET /app?per_page=100`, in the order they came. */
  readonly asked: string[];
}

export interface Reply {
  readonly status?: number;
  /** Text is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** Answers by method and path; 404 where `answer` knows nothing. */
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
