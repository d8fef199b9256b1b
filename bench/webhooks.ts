/**
 * Times the response to webhooks at the rate of a busy day, against a server that only says 202.
 *
 * Invariants:
 * - No webhook is lost, not even those that were in flight when the server was killed.
 * - No webhook is worked on twice, except those in flight at a kill.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figure } from "./compare.ts";
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

const PER_SECOND = 200;
const TIMEOUT_MS = 60_000;
const PROGRAM = join(import.meta.dirname, "webhooks.mjs");

/** Figures for the median and the 99th percentile. Throws when a webhook is lost or repeated. */
export async function webhooks(rounds: number, count: number): Promise<Figure[]> {
  const p50 = makeFigure(`webhook response at ${PER_SECOND}/s, p50`);
  const p99 = makeFigure(`webhook response at ${PER_SECOND}/s, p99`);
  for (let round = 0; round < rounds; round++) {
    const ours = await measureLoad("service", count);
    const floor = await measureLoad("floor", count);
    p50.ours.push(quantile(ours, 0.5));
    p50.floor.push(quantile(floor, 0.5));
    p99.ours.push(quantile(ours, 0.99));
    p99.floor.push(quantile(floor, 0.99));
    await checkKill(count);
  }
  return [p50, p99];
}

const makeFigure = (name: string) => ({
  name,
  ours: [] as number[],
  floor: [] as number[],
  emptyNode: [],
  ourGit: [],
  floorGit: [],
});

/** Sends every tenth webhook twice, as GitHub may do. */
const withDuplicates = (all: readonly Webhook[]): Webhook[] =>
  all.flatMap((webhook, index) => (index % 10 === 0 ? [webhook, webhook] : [webhook]));

async function measureLoad(kind: "service" | "floor", count: number): Promise<Sent[]> {
  return withDirectory(async (dir) => {
    const all = makeWebhooks(count);
    const { child, port, ended } = await startServer(PROGRAM, environmentOfServer(), dir, "0", kind);
    try {
      const sent = await sendAll(() => port, withDuplicates(all), PER_SECOND);
      if (kind === "service") {
        await untilWorked(dir, all, TIMEOUT_MS);
        check("no kill", sent, all, dir, 0);
      }
      return sent;
    } finally {
      child.kill("SIGTERM");
      await ended;
    }
  });
}

/** Kills the server halfway, restarts it, and sends the webhooks without a response again. */
async function checkKill(count: number): Promise<void> {
  await withDirectory(async (dir) => {
    const all = makeWebhooks(count);
    const env = environmentOfServer();
    let server = await startServer(PROGRAM, env, dir, "0");
    const { port } = server;
    const killAndRestart = async () => {
      server.child.kill("SIGKILL");
      await server.ended;
      process.stderr.write(`  killed after ${readWorked(dir).size} were worked on\n`);
      server = await startServer(PROGRAM, env, dir, String(port));
    };
    const restart = new Promise<void>((resolve) => {
      setTimeout(resolve, (count / PER_SECOND / 2) * 1000);
    }).then(killAndRestart);
    try {
      const [sent] = await Promise.all([sendAll(() => port, all, PER_SECOND), restart]);
      const unanswered = sent.filter(({ status }) => status !== 202).map(({ webhook }) => webhook);
      const resent = await sendAll(() => port, unanswered, PER_SECOND);
      await untilWorked(dir, all, TIMEOUT_MS);
      check("kill -9", [...sent, ...resent], all, dir, PER_SECOND);
    } finally {
      server.child.kill("SIGTERM");
      await server.ended;
    }
  });
}

/** Throws when a webhook was lost, or when more than `maxRepeated` were worked on twice. */
function check(
  load: string,
  sent: readonly Sent[],
  all: readonly Webhook[],
  dir: string,
  maxRepeated: number,
): void {
  const worked = readWorked(dir);
  const lost = all.filter(({ mark }) => !worked.has(mark)).length;
  const repeated = [...worked.values()].filter((times) => times > 1).length;
  const unanswered = sent.filter(({ status }) => status !== 202).length;
  process.stderr.write(
    `  ${load}: ${sent.length} sent, ${unanswered} without a 202, ${lost} lost, ${repeated} worked on twice\n`,
  );
  if (lost > 0) throw new Error(`${lost} webhooks were lost`);
  if (repeated > maxRepeated) throw new Error(`${repeated} webhooks were worked on twice`);
}

function quantile(sent: readonly Sent[], part: number): number {
  const sorted = sent.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

async function withDirectory<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "trailhand-webhooks-"));
  try {
    return await use(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}
