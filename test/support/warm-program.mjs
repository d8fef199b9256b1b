/**
 * Runs command lines of the built program in a worker thread; see warm-program.ts.
 *
 * Invariants:
 * - Each command line gets its own environment, and its output is returned, never printed.
 * - Each has exactly one reply. An error after it fails the next command line, so none is lost.
 */
import { createRequire } from "node:module";
import { workerData } from "node:worker_threads";

const { port, finished, program } = workerData;
const { main } = createRequire(import.meta.url)(program);

let output = { out: "", err: "" };
let isRunning = false;
let lateError = "";
const collect = (stream, name) => {
  stream.setMaxListeners(0);
  stream.write = (chunk, encoding, callback) => {
    output[name] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
    const done = typeof encoding === "function" ? encoding : callback;
    if (done) setImmediate(() => done());
    return true;
  };
};
collect(process.stdout, "out");
collect(process.stderr, "err");

function reply(code) {
  if (!isRunning) return;
  isRunning = false;
  port.postMessage({ code, ...output });
  Atomics.store(finished, 0, 1);
  Atomics.notify(finished, 0);
}

process.on("uncaughtException", (error) => {
  if (!isRunning) lateError += `${error.stack}\n`;
  output.err += `${error.stack}\n`;
  reply(1);
});

port.on("message", ({ args, env }) => {
  output = { out: "", err: lateError };
  isRunning = true;
  if (lateError !== "") {
    lateError = "";
    return reply(1);
  }
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  void main(args).then(reply);
});
