/**
 * The journal of a branch: one commit for each attempt that did not answer.
 *
 * What must hold: it is for people and for `trailhand log`; nothing is decided from it, so that a
 * lost or pruned journal changes nothing.
 */
import { cleanLine, cleanText, redact } from "../util/redact.ts";
import { composeMessage } from "../protocol/compose.ts";
import { formatDuration } from "../util/duration.ts";
import { parseMessage, valueOf } from "../protocol/message.ts";
import type { Request } from "../protocol/request.ts";
import { indentTail, type RunFacts } from "./response.ts";

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

export interface Unanswered {
  readonly why: string;
  readonly log: string;
  readonly salvage?: string | undefined;
}

/** The message of one journal commit. */
export function formatAttemptLog(request: Request, facts: RunFacts, end: Unanswered): string {
  const clean = (text: string) => redact(cleanText(text), facts.secrets);
  const why = cleanLine(clean(end.why)) || "-";
  return composeMessage({
    header: `${request.branch}: attempt ${facts.attempt} at ${request.state} did not answer: ${why}`,
    body: end.log.trim() === "" ? "" : indentTail(clean(end.log)),
    trailers: [
      { key: "Branch", value: request.branch },
      { key: "Request", value: request.commit },
      { key: "Run", value: facts.run },
      { key: "At", value: request.state },
      { key: "Attempt", value: `${facts.attempt}/${facts.attempts}` },
      { key: "Runner", value: facts.runner },
      { key: "Took", value: formatDuration(facts.tookMs).replaceAll(" ", "") },
      { key: "Because", value: why },
      ...(end.salvage === undefined ? [] : [{ key: "Salvage", value: end.salvage }]),
    ],
  });
}

/** Reads a journal commit back. */
export function parseAttemptLog(message: string): AttemptLogEntry {
  const { trailers } = parseMessage(message);
  const value = (key: string) => valueOf(trailers, key) ?? "";
  return {
    request: value("Request"),
    run: value("Run"),
    state: value("At"),
    attempt: value("Attempt"),
    took: value("Took"),
    runner: value("Runner"),
    why: value("Because"),
    salvage: valueOf(trailers, "Salvage"),
  };
}
