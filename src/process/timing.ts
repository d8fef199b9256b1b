/** How long processes are waited for, and how often they are checked. */
export const PROCESS = {
  /** How long the output of a process is read after its exit: a child may hold the pipes. */
  drainMs: 200,
  /** Checks within the time that a script may be idle. */
  stallChecks: 4,
  /** A program that is still being written cannot be started: it is tried again. */
  startTries: 20,
  startRetryMs: 25,
  /** Rounds of killing the processes that left the group of their run. */
  killTries: 50,
  killRetryMs: 10,
  /** How long the kernel may take to end all processes of a sandbox, and how often that is checked. */
  namespaceEndMs: 5000,
  namespacePollMs: 2,
  /** How much a sandbox may report. */
  statusChars: 4096,
  /** How long a trial of the sandbox may take. */
  trialMs: 30_000,
} as const;

/** How many hand-offs a script receives, newest first. */
export const TOLD_HAND_OFFS = 50;
