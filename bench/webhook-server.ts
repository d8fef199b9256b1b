/**
 * The server that takes webhooks, as a program that a load can be put on and that can be killed.
 *
 * What must hold: all but the understanding of events is what `trailhand serve` runs; what it worked
 * on is a line in a file before the delivery is over. Also the floor: a server that says 202 alone.
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
const ready = (at: number) => void process.stdout.write(`${at}\n`);

/** The branch of a wake stands for what has to be done. */
const recording = (): ServiceParts => ({
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

function floor(): void {
  const server = createServer((request, response) => {
    request.resume().once("end", () => response.writeHead(202).end("accepted\n"));
  });
  server.listen(Number(port), "127.0.0.1", () => ready((server.address() as AddressInfo).port));
}

async function serve(): Promise<void> {
  const service = await startService({
    credentials: readCredentials(process.env),
    baseUrl: readBaseUrl(process.env),
    inbox: join(dir, "inbox"),
    port: Number(port),
    host: "127.0.0.1",
    parts: recording,
    self: () => Promise.resolve({ appId: 1, botIds: [], slug: "bench" }),
    log: say,
  });
  process.once("SIGTERM", () => void service.stop().then(() => process.exit(0)));
  ready(service.port);
}

if (kind === "floor") floor();
else await serve();
