/**
 * Writes results to standard output, and progress and hints to standard error.
 *
 * Invariants:
 * - Colours only on a terminal, and never with NO_COLOR.
 * - Text from history is cleaned, so that no commit can move the cursor or forge a line.
 */
import pico from "picocolors";
import { cleanLine } from "../../core/util/redact.ts";
import { UserError } from "../../core/messages/messages.ts";

export type Colors = ReturnType<typeof pico.createColors>;

export interface Terminal {
  readonly colors: Colors;
  /** True when a live view can be drawn: standard error is a terminal. */
  readonly live: boolean;
  readonly columns: number;
  /** Writes a result. */
  print(text: string): void;
  /** Writes progress or a hint. */
  say(text: string): void;
}

/** A stream that may be a terminal; node sets `isTTY` only where it is one. */
interface Stream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface Streams {
  readonly stdout: Stream;
  readonly stderr: Stream;
}

export function makeTerminal(
  { stdout, stderr }: Streams,
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const plain = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return {
    colors: pico.createColors(!plain && stdout.isTTY === true),
    live: stderr.isTTY === true && env["TERM"] !== "dumb" && env["CI"] === undefined,
    columns: stdout.columns ?? 100,
    print: (text) => void stdout.write(`${text}\n`),
    say: (text) => void stderr.write(`${text}\n`),
  };
}

export function printJson(terminal: Terminal, value: unknown): void {
  terminal.print(JSON.stringify(value, undefined, 2));
}

/** Prints a UserError and returns its exit code. Throws any other error again. */
export function printError(terminal: Terminal, error: unknown): number {
  if (!(error instanceof UserError)) throw error;
  const { colors } = terminal;
  terminal.say(`${colors.red("trailhand:")} ${error.message}`);
  if (error.next !== undefined) terminal.say(`${colors.dim("next:")} ${error.next}`);
  return error.exit;
}

/** Text from history on one line of at most `limit` characters. */
export const printable = (text: string, limit = 80): string => cleanLine(text, limit);
