/** A real LFS server on the loopback: the batch API with basic transfers, and content in memory. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface LfsServer {
  readonly url: string;
  /** Content by its SHA-256. */
  readonly objects: Map<string, Buffer>;
  /** The operations that were asked for, in order: `upload` and `download`. */
  readonly asked: readonly string[];
  /** Refuses every upload from now on. */
  refuse(): void;
}

interface Batch {
  readonly operation: "download" | "upload";
  readonly objects: readonly { readonly oid: string; readonly size: number }[];
}

export const oidOf = (content: Buffer | string): string => createHash("sha256").update(content).digest("hex");

/** Serves until the test ends. A test must not run git-lfs against it with `execFileSync`. */
export async function serveLfs(): Promise<LfsServer> {
  const objects = new Map<string, Buffer>();
  const asked: string[] = [];
  let isRefusing = false;
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => answer(request, response, body));
  });
  const answer = (request: IncomingMessage, response: ServerResponse, body: Buffer): unknown => {
    const oid = request.url?.split("/").at(-1) ?? "";
    const say = (status: number, text: Buffer | string) =>
      response.writeHead(status, { "Content-Type": "application/vnd.git-lfs+json" }).end(text);
    if (request.url?.endsWith("/objects/batch")) {
      const batch = JSON.parse(body.toString()) as Batch;
      asked.push(batch.operation);
      if (isRefusing && batch.operation === "upload")
        return say(403, JSON.stringify({ message: "the quota of this repository is used up" }));
      return say(200, JSON.stringify({ transfer: "basic", objects: batch.objects.map(answerFor(batch)) }));
    }
    if (request.method === "PUT" && oidOf(body) === oid) objects.set(oid, body);
    const content = objects.get(oid);
    return content ? say(200, request.method === "GET" ? content : "") : say(404, "{}");
  };
  const answerFor =
    ({ operation }: Batch) =>
    ({ oid, size }: Batch["objects"][number]) => {
      const isThere = objects.has(oid);
      if (operation === "download" && !isThere)
        return { oid, size, error: { code: 404, message: "not here" } };
      return operation === "upload" && isThere
        ? { oid, size }
        : { oid, size, actions: { [operation]: { href: `${url}/content/${oid}` } } };
    };
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/lfs`;
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { url, objects, asked, refuse: () => void (isRefusing = true) };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
