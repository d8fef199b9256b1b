/**
 * The shape of a sentence for people, and how names of strangers are shown in one.
 *
 * What must hold: nothing in a name can pass for our own words, or do anything in a shell.
 */

/** The exit codes of the command line, and what they mean. */
export const EXIT_CODE = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  later: 75,
} as const;

export interface UserMessage {
  readonly what: string;
  readonly next?: string;
  readonly exit?: number;
}

/** Something that was typed wrong. */
export const usageError = (what: string, next?: string): UserMessage =>
  next === undefined ? { what, exit: EXIT_CODE.usage } : { what, next, exit: EXIT_CODE.usage };

/** Shows a hostile name on one line, so that nothing in it can pass for our own words. */
export const quoted = (text: string): string => JSON.stringify(text.slice(0, 120));

/** A name as it is typed in a shell: people copy our commands, and strangers choose the names. */
export const shellWord = (name: string): string =>
  /^[\w./@%+=:,-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
