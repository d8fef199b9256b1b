/** Ends a test that hangs. Everything that is waited for comes, so that no test depends on the length. */
const HANGING_MS = 300_000;
const PAUSE_MS = 20;

/** Waits until a condition holds; `what` names it where it never does. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + HANGING_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited too long for: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, PAUSE_MS);
    });
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
