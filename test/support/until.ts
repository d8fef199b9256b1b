/** The time after which a wait fails. It only ends hanging tests: no passing test depends on its length. */
const HANGING_MS = 300_000;
/** Most conditions start a process, so a wait that lasts asks less often. */
const PAUSE = { firstMs: 10, longestMs: 200, growth: 1.5 };

/** Waits until a condition is true. `what` names the condition in the error after a timeout. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + HANGING_MS;
  let pauseMs = PAUSE.firstMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited too long for: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, pauseMs);
    });
    pauseMs = Math.min(PAUSE.longestMs, pauseMs * PAUSE.growth);
  }
}

/** True while the process exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
