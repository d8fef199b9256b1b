/**
 * Writes and reads the attempt log of a branch: one commit for each attempt without an answer.
 *
 * Invariants:
 * - No decision depends on it, so a lost or pruned log changes nothing.
 */
import { cleanLine, cleanText, redact } from "../util/redact.ts";
import { composeMessage } from "../protocol/compose.ts";
import { formatDuration } from "../util/duration.ts";
import { parseMessage, valueOf } from "../protocol/message.ts";
import type { Request } from "../protocol/request.ts";
import { indentTail, type RunFacts } from "./response.ts";
import { KEY } from "../protocol/trailer-keys.ts";

export interface AttemptLogEntry {
  readonly request: string;
  readonly run: string;
  readonly state: string;
  readonly attempt: string;
  readonly took: string;
  readonly runner: string;
  readonly why: string;
  readonly salvage: string | undefined;
}

export interface AttemptFailure {
  readonly why: string;
  readonly log: string;
  readonly salvage?: string | undefined;
}

export function formatAttemptLog(request: Request, facts: RunFacts, failure: AttemptFailure): string {
  const clean = (text: string) => redact(cleanText(text), facts.secrets);
  const why = cleanLine(clean(failure.why)) || "-";
  return composeMessage({
    header: `${request.branch}: attempt ${facts.attempt} at ${request.state} did not answer: ${why}`,
    body: failure.log.trim() === "" ? "" : indentTail(clean(failure.log)),
    trailers: [
      { key: KEY.branch, value: request.branch },
      { key: KEY.request, value: request.commit },
      { key: KEY.run, value: facts.run },
      { key: KEY.at, value: request.state },
      { key: KEY.attempt, value: `${facts.attempt}/${facts.attempts}` },
      { key: KEY.runner, value: facts.runner },
      { key: KEY.took, value: formatDuration(facts.tookMs).replaceAll(" ", "") },
      { key: KEY.because, value: why },
      ...(failure.salvage === undefined ? [] : [{ key: KEY.salvage, value: failure.salvage }]),
    ],
  });
}

export function parseAttemptLog(message: string): AttemptLogEntry {
  const { trailers } = parseMessage(message);
  const value = (key: string) => valueOf(trailers, key) ?? "";
  return {
    request: value(KEY.request),
    run: value(KEY.run),
    state: value(KEY.at),
    attempt: value(KEY.attempt),
    took: value(KEY.took),
    runner: value(KEY.runner),
    why: value(KEY.because),
    salvage: valueOf(trailers, KEY.salvage),
  };
}
