/**
 * Runs command lines of the built program in a thread that stays. Starting node takes longer than most
 * commands do.
 *
 * Invariants:
 * - The call is synchronous, as for a process: nothing else of the test runs in the meantime.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from "node:worker_threads";

const THREAD = new URL("./warm-program.mjs", import.meta.url);
const PROGRAM = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
/** Ends a test that hangs. */
const HANGING_MS = 600_000;

export interface CommandEnd {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Thread {
  readonly port: MessagePort;
  /** Becomes 1 when the thread has posted the end of a command. */
  readonly finished: Int32Array<SharedArrayBuffer>;
}

let thread: Thread | undefined;

function startThread(): Thread {
  // The thread could not say so: this one waits for its reply and sees no event.
  if (!existsSync(PROGRAM)) throw new Error("the program is not built; run: npm run build");
  const finished = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const workerData = { port: port2, finished, program: PROGRAM };
  new Worker(THREAD, { workerData, transferList: [port2], env: {} }).unref();
  port1.unref();
  return { port: port1, finished };
}

export function runWarm(cwd: string, env: NodeJS.ProcessEnv, args: readonly string[]): CommandEnd {
  thread ??= startThread();
  const { port, finished } = thread;
  Atomics.store(finished, 0, 0);
  const before = process.cwd();
  process.chdir(cwd);
  try {
    port.postMessage({ args, env });
    if (Atomics.wait(finished, 0, 0, HANGING_MS) === "timed-out")
      throw new Error(`hangs: trailhand ${args.join(" ")}`);
  } finally {
    process.chdir(before);
  }
  return receiveMessageOnPort(port)?.message as CommandEnd;
}
