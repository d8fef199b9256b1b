/** The shape of a message for people, and how untrusted names are quoted in one. */

/** The exit codes of the command line. */
export const EXIT_CODE = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  later: 75,
} as const;

export interface UserMessage {
  /** What failed, and why. */
  readonly what: string;
  /** What to do now, usually a command. */
  readonly next?: string;
  /** `EXIT_CODE.failed` by default. */
  readonly exit?: number;
}

/** An error in what the user typed. */
export const usageError = (what: string, next?: string): UserMessage =>
  next === undefined ? { what, exit: EXIT_CODE.usage } : { what, next, exit: EXIT_CODE.usage };

/** Something that the rules do not allow now. */
export const refused = (what: string, next: string): UserMessage => ({
  what,
  next,
  exit: EXIT_CODE.refused,
});

/** Quotes an untrusted name on one line, so that it cannot look like part of the message. */
export const quoted = (text: string): string => JSON.stringify(text.slice(0, 120));

/** Quotes an untrusted name for a shell, because people copy the commands that we print. */
export const shellWord = (name: string): string =>
  /^[\w./@%+=:,-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;

export const suggestionHint = (nearest: string | undefined): string =>
  nearest === undefined ? "" : ` Did you mean ${quoted(nearest)}?`;
