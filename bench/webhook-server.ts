/**
 * The webhook server as a program of its own, which benchmarks and tests may load and kill.
 *
 * Invariants:
 * - Everything is what `trailhand serve` runs, except the code that reads events and acts on them.
 * - Each webhook is a line in the file `worked` before its delivery ends.
 * - The kind `floor` is a bare server that only says 202.
 */
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { readBaseUrl, readCredentials } from "../src/github/api/credentials.ts";
import { startService } from "../src/server/service.ts";
import { type ServiceParts } from "../src/server/service-parts.ts";

const [dir = ".", port = "0", kind = "service"] = process.argv.slice(2);
const say = (text: string) => void process.stderr.write(`${text}\n`);
const reportPort = (listening: number) => void process.stdout.write(`${listening}\n`);

/** Turns each push into the wake of one branch, whose name is the mark of the webhook. */
const makeParts = (): ServiceParts => ({
  readEvent(_name, payload) {
    const { after } = payload as { readonly after: string };
    return { intents: [{ kind: "wake", repo: { owner: "a", name: "b" }, branch: after }] };
  },
  handle(intent) {
    if (intent.kind === "wake") appendFileSync(join(dir, "worked"), `${intent.branch}\n`);
    return Promise.resolve(undefined);
  },
  stop: () => Promise.resolve(),
});

function serveFloor(): void {
  const server = createServer((request, response) => {
    request.resume().once("end", () => response.writeHead(202).end("accepted\n"));
  });
  server.listen(Number(port), "127.0.0.1", () => reportPort((server.address() as AddressInfo).port));
}

async function serve(): Promise<void> {
  const service = await startService({
    credentials: readCredentials(process.env),
    baseUrl: readBaseUrl(process.env),
    inbox: join(dir, "inbox"),
    port: Number(port),
    host: "127.0.0.1",
    parts: makeParts,
    self: () => Promise.resolve({ appId: 1, botIds: [], slug: "bench" }),
    log: say,
  });
  process.once("SIGTERM", () => void service.stop().then(() => process.exit(0)));
  reportPort(service.port);
}

if (kind === "floor") serveFloor();
else await serve();
