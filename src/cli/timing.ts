/** The times of the command line itself, in milliseconds. */
export const CLI = {
  /** A second signal within this time is an echo: a terminal and a wrapper may both pass one on. */
  signalEchoMs: 500,
  /** Between two drawings of the live list. */
  redrawMs: 250,
  /** How long a stopped server waits for idle connections before its process ends. */
  lingerMs: 2000,
} as const;
