/**
 * Webhooks at the rate of a busy day: how soon each is answered, and whether one is lost or doubled.
 *
 * The floor is a server that reads a body and says 202: no signature, no disk. A second load is cut
 * in the middle by `kill -9`; what got no answer then is sent again, as it is recovered from GitHub's
 * log. Throws when one is lost, or one is worked on twice that no kill fell on.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figure } from "./support.ts";
import {
  environmentOfServer,
  makeWebhooks,
  readWorked,
  sendAll,
  startServer,
  untilWorked,
  type Sent,
  type Webhook,
} from "./webhook-load.ts";

const COUNT = 5000;
const PER_SECOND = 200;
const PATIENCE_MS = 60_000;
const PROGRAM = join(import.meta.dirname, "webhooks.mjs");

export async function webhooks(rounds: number): Promise<Figure[]> {
  const figure = (name: string) => ({
    name,
    ours: [] as number[],
    floor: [] as number[],
    ourGit: [],
    floorGit: [],
  });
  const half = figure(`a webhook's answer at ${PER_SECOND}/s, p50`);
  const most = figure(`a webhook's answer at ${PER_SECOND}/s, p99`);
  for (let round = 0; round < rounds; round++) {
    const ours = await load("service");
    const floor = await load("floor");
    half.ours.push(quantile(ours, 0.5));
    half.floor.push(quantile(floor, 0.5));
    most.ours.push(quantile(ours, 0.99));
    most.floor.push(quantile(floor, 0.99));
    await cut();
  }
  return [half, most];
}

/** Each tenth is delivered twice. */
const withDoubles = (all: readonly Webhook[]): Webhook[] =>
  all.flatMap((one, n) => (n % 10 === 0 ? [one, one] : [one]));

async function load(kind: "service" | "floor"): Promise<Sent[]> {
  return withFolder(async (dir) => {
    const all = makeWebhooks(COUNT);
    const { child, port, ended } = await startServer(PROGRAM, environmentOfServer(), dir, "0", kind);
    const sent = await sendAll(() => port, withDoubles(all), PER_SECOND);
    if (kind === "service") {
      await untilWorked(dir, all, PATIENCE_MS);
      judge("no kill", sent, all, dir, 0);
    }
    child.kill("SIGTERM");
    await ended;
    return sent;
  });
}

async function cut(): Promise<void> {
  await withFolder(async (dir) => {
    const all = makeWebhooks(COUNT);
    const env = environmentOfServer();
    let serving = await startServer(PROGRAM, env, dir, "0");
    const { port } = serving;
    const killed = new Promise<number>((resolve, reject) => {
      setTimeout(
        () => {
          serving.child.kill("SIGKILL");
          serving.ended
            .then(async () => {
              const before = readWorked(dir).size;
              serving = await startServer(PROGRAM, env, dir, String(port));
              resolve(before);
            })
            .catch(reject);
        },
        (COUNT / PER_SECOND / 2) * 1000,
      );
    });
    const sent = await sendAll(() => port, all, PER_SECOND);
    process.stderr.write(`  killed when ${await killed} were worked on\n`);
    const unanswered = sent.filter(({ status }) => status !== 202).map(({ webhook }) => webhook);
    const again = await sendAll(() => port, unanswered, PER_SECOND);
    await untilWorked(dir, all, PATIENCE_MS);
    judge("kill -9", [...sent, ...again], all, dir, PER_SECOND);
    serving.child.kill("SIGTERM");
    await serving.ended;
  });
}

function judge(
  what: string,
  sent: readonly Sent[],
  all: readonly Webhook[],
  dir: string,
  mayRepeat: number,
): void {
  const worked = readWorked(dir);
  const lost = all.filter(({ mark }) => !worked.has(mark)).length;
  const repeated = [...worked.values()].filter((times) => times > 1).length;
  const refused = sent.filter(({ status }) => status !== 202).length;
  process.stderr.write(
    `  ${what}: ${sent.length} sent, ${refused} without a 202, ${lost} lost, ${repeated} worked on twice\n`,
  );
  if (lost > 0) throw new Error(`${lost} webhooks were lost`);
  if (repeated > mayRepeat) throw new Error(`${repeated} webhooks were worked on twice`);
}

function quantile(sent: readonly Sent[], part: number): number {
  const sorted = sent.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

async function withFolder<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "trailhand-webhooks-"));
  try {
    return await use(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}
