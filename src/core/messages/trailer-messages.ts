/** Messages about the trailers that people write, and their values. */
import { quoted, refused, shellWord, usageError } from "./message-format.ts";

export const TRAILER_MESSAGES = {
  badTrailerKey: (key: string) =>
    usageError(
      `${quoted(key)} is not a valid trailer key: use letters, digits and "-", at most 64 characters.`,
      "trailhand help request",
    ),
  noTrailer: (text: string) =>
    usageError(
      `${quoted(text)} is not a valid trailer: it has no ":".`,
      'trailhand request <state> --trailer "Key: value"',
    ),
  badTrailerValue: (key: string) =>
    usageError(`The value of the trailer ${quoted(key)} must be one line of text.`, "trailhand help request"),
  reservedKey: (key: string) =>
    usageError(
      `The trailer ${quoted(key)} is reserved: Trailhand writes it itself. Leave it out.`,
      "trailhand help request",
    ),

  badEvent: (text: string) =>
    usageError(
      `${quoted(text)} is not a valid event id: use one line of text, at most 500 characters.`,
      "trailhand help request",
    ),
  badBudget: (text: string) =>
    usageError(
      `${quoted(text)} is not a valid budget: use amounts such as "10 USD, 500000 tokens, 30 turns, 2h".`,
      'trailhand resume <branch> --trailer "Budget: 10 USD"',
    ),
  badDependency: (text: string, forms: string) =>
    usageError(
      `${quoted(text)} is not a valid dependency. Use a branch, a commit, or: ${forms}.`,
      'trailhand request <state> --trailer "Depends-On: branch <name>"',
    ),
  badInstant: (text: string) =>
    usageError(
      `${quoted(text)} is not a valid time: use a date, or a time with its zone such as 2030-01-31T09:00:00Z.`,
      'trailhand request <state> --trailer "Not-Before: 2030-01-31"',
    ),
  dependencyCycle: (ring: readonly string[]) =>
    refused(
      `These requests would wait for each other forever: ${ring.join(" -> ")}.`,
      `trailhand status; trailhand log ${shellWord(ring[1] ?? "")}`,
    ),
} as const;
