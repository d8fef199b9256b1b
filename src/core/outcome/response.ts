/**
 * Drafts the message of a response commit.
 *
 * Invariants:
 * - The state trailer has the same key as that of the request, and `Answers` has its full id.
 * - Trailers of other tools are copied from the request.
 * - Text of a script is cleaned and redacted before it enters the message.
 */
import { cleanLine, cleanText, redact } from "../util/redact.ts";
import type { MessageDraft } from "../protocol/compose.ts";
import { formatDuration } from "../util/duration.ts";
import type { RunId, Sha } from "../protocol/ids.ts";
import type { Output } from "./output.ts";
import type { Request } from "../protocol/request.ts";
import type { Trailer } from "../protocol/trailer-block.ts";
import { isTerminal } from "../workflow/workflow.ts";
import { isCopied, KEY } from "../protocol/trailer-keys.ts";

export interface RunFacts {
  readonly run: RunId;
  readonly runner: string;
  readonly attempt: number;
  readonly attempts: number;
  readonly tookMs: number;
  readonly hopLimit: number;
  readonly workflow: Sha | undefined;
  readonly script: Sha | undefined;
  /** The agent that answered a prompt. */
  readonly agent?: string | undefined;
  /** Values that must not appear in any message. */
  readonly secrets: readonly string[];
}

/** Parts of a response that do not come from its script. */
export interface CarriedTrailers {
  readonly carried?: readonly Trailer[];
  /** Text for the end of the body. */
  readonly appendix?: string | undefined;
}

/** What a response says: the next state, with the script's output or the reason of its failure. */
export interface ResponseContent {
  readonly state: string;
  readonly output?: Output | undefined;
  readonly trouble?: { readonly why: string; readonly log: string; readonly salvage?: string | undefined };
}

const TAIL_LINES = 40;
const TAIL_CHARACTERS = 4000;

/** Never throws: `composeMessage` validates the draft. */
export function draftResponse(
  request: Request,
  content: ResponseContent,
  facts: RunFacts & CarriedTrailers,
): MessageDraft {
  const { output, trouble } = content;
  const clean = (text: string) => redact(cleanText(text), facts.secrets);
  const parts = [
    trouble ? `${capital(clean(trouble.why))}.` : "",
    output?.summary ? clean(output.summary) : "",
    trouble?.salvage ? `Unfinished work is saved: git show ${trouble.salvage}` : "",
    facts.appendix === undefined ? "" : clean(facts.appendix),
    trouble?.log.trim() ? `The end of its log:\n\n${indentTail(clean(trouble.log))}` : "",
  ];
  return {
    // Redact before cutting: a truncated secret would not be recognized.
    header: cleanLine(clean(output?.subject ?? "")) || clean(defaultHeader(request, content)),
    body: parts.filter((part) => part !== "").join("\n\n"),
    trailers: [
      ...[...copiedTrailers(request, output), ...ownTrailers(request, content, facts)].map(
        ({ key, value }) => ({
          key,
          value: key === KEY.branch ? value : cleanLine(clean(value), 2000) || "-",
        }),
      ),
      // Never cut: a response that loses a child from its list would not wait for that child.
      ...(facts.carried ?? []),
    ],
  };
}

function defaultHeader(request: Request, { state, trouble }: ResponseContent): string {
  const what = trouble ? `${request.state} failed (${trouble.why})` : `${request.state} is done`;
  if (state === "parked")
    return `trailhand: ${request.state} is parked for a person${trouble ? ` (${trouble.why})` : ""}`;
  if (state === "done") return `trailhand: ${what}, the work is finished`;
  if (isTerminal(state)) return `trailhand: ${what}`;
  return `trailhand: ${what}, ${state} is next`;
}

function ownTrailers(request: Request, { state, output }: ResponseContent, facts: RunFacts): Trailer[] {
  const line = (key: string, value: string | number | undefined): Trailer[] =>
    value === undefined ? [] : [{ key, value: String(value) }];
  return [
    ...line(request.key, state),
    ...line(KEY.branch, request.branch),
    ...line(KEY.answers, request.commit),
    ...line(KEY.run, facts.run),
    ...line(KEY.attempt, `${facts.attempt}/${facts.attempts}`),
    ...line(KEY.runner, facts.runner),
    ...line(KEY.took, formatDuration(facts.tookMs).replaceAll(" ", "")),
    ...line(KEY.cost, output?.cost === undefined ? undefined : `${output.cost} USD`),
    ...line(KEY.tokens, output?.tokens),
    ...line(KEY.agent, facts.agent),
    ...line(KEY.model, output?.model),
    ...line(KEY.hops, `${request.hops + 1}/${facts.hopLimit}`),
    ...line(KEY.workflow, facts.workflow),
    ...line(KEY.script, facts.script),
  ];
}

/** The trailers that are copied from the request, then those that the script added. */
export function copiedTrailers(request: Request, output: Output | undefined): Trailer[] {
  const added = output?.trailers ?? [];
  const replaced = new Set(added.map(({ key }) => key.toLowerCase()));
  const kept = request.message.trailers.filter(({ key, value }) => {
    const isReplaced = replaced.has(key.toLowerCase());
    return isCopied(key) && !isReplaced && value !== "" && /^[A-Za-z0-9][A-Za-z0-9-]*$/.test(key);
  });
  return [...kept, ...added];
}

/** The last lines of a log. They are indented, so that none can be read as a trailer. */
export function indentTail(log: string): string {
  const lines = log.trimEnd().slice(-TAIL_CHARACTERS).split("\n").slice(-TAIL_LINES);
  return lines.map((line) => `    ${line}`.trimEnd()).join("\n");
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
