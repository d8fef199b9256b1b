/**
 * Shows the events of a run, one line each, and on a terminal a live list of the running attempts.
 *
 * Invariants:
 * - Without a terminal, every line is plain text.
 * - Nothing is drawn after `end`.
 */
import { formatDuration } from "../../core/util/duration.ts";
import type { RunnerEvent } from "../../app/run.ts";
import { CLI } from "../timing.ts";
import { printable, type Terminal } from "./terminal.ts";

export interface LiveView {
  show(event: RunnerEvent): void;
  /** Stops drawing; a second call does nothing. */
  end(): void;
}

interface RunningAttempt {
  readonly state: string;
  readonly attempt: number;
  readonly since: number;
}

export async function startLiveView(terminal: Terminal, watching: boolean): Promise<LiveView> {
  const running = new Map<string, RunningAttempt>();
  const live = terminal.live ? (await import("log-update")).logUpdateStderr : undefined;
  const draw = () => live?.(renderRunning(running, watching, terminal));
  const timer = live ? setInterval(draw, CLI.redrawMs) : undefined;
  draw();
  let isOver = false;
  return {
    show(event) {
      const { branch } = event;
      if (event.kind === "claimed") {
        running.set(event.branch, { state: event.state, attempt: event.attempt, since: performance.now() });
      } else if (branch !== undefined) running.delete(branch);
      const line = describe(event, terminal);
      if (live) live.clear();
      // The live list shows claims; without it, a claim is a line of its own.
      if (!live || event.kind !== "claimed") terminal.say(line);
      if (!isOver) draw();
    },
    end() {
      if (isOver) return;
      isOver = true;
      clearInterval(timer);
      live?.clear();
      live?.done();
    },
  };
}

function renderRunning(
  running: ReadonlyMap<string, RunningAttempt>,
  watching: boolean,
  { colors }: Terminal,
): string {
  const lines = [...running].map(([branch, { state, attempt, since }]) => {
    const again = attempt > 1 ? `, attempt ${attempt}` : "";
    return `${colors.cyan("▸")} ${printable(branch, 40)}  ${state}${again}  ${colors.dim(formatDuration(performance.now() - since))}`;
  });
  if (watching)
    lines.push(colors.dim(running.size === 0 ? "waiting for commits; Ctrl-C ends" : "Ctrl-C ends"));
  return lines.join("\n");
}

function describe(event: RunnerEvent, { colors }: Terminal): string {
  const on = event.branch === undefined ? "" : `${printable(event.branch, 40)}: `;
  switch (event.kind) {
    case "claimed":
      return `${colors.cyan("▸")} ${on}${event.state}${event.attempt > 1 ? `, attempt ${event.attempt}` : ""}`;
    case "answered": {
      const bad = event.why !== undefined;
      const mark = bad ? colors.red("✗") : colors.green("✓");
      const why = bad ? ` (${printable(event.why ?? "")})` : "";
      return `${mark} ${on}${event.state} → ${event.next}${why}  ${colors.dim(formatDuration(event.tookMs))}`;
    }
    case "landed":
      return `${colors.green("✓")} ${on}its finished answer is in place`;
    case "resting":
      return `${colors.yellow("…")} ${on}${event.state}: ${printable(event.why)}, again in ${formatDuration(event.ms)}`;
    case "stopped": {
      const saved = event.salvage === undefined ? "" : `; its work is saved in ${event.salvage}`;
      return `${colors.yellow("■")} ${on}${event.state} stopped: ${printable(event.why)}${saved}`;
    }
    case "lost":
      return colors.dim(`· ${on}${event.why}`);
    case "blocked":
      return `${colors.yellow("!")} ${on}${event.why}`;
    case "fault":
      return `${colors.red("!")} ${on}${event.what}${event.next === undefined ? "" : `\n  next: ${event.next}`}`;
  }
}
