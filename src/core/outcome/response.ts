/**
 * The response commit's message: what happened, who is next, and the trail of numbers below.
 *
 * What must hold: the header is a sentence for `git log --oneline`; the trailers carry the key the
 * request was written with, its full id, and the run; other tools' trailers are passed on; nothing
 * of a script's text reaches the message uncleaned.
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

/** What the runner knows of the run when it answers. */
export interface RunFacts {
  readonly run: RunId;
  readonly runner: string;
  readonly attempt: number;
  readonly attempts: number;
  readonly tookMs: number;
  readonly hopLimit: number;
  readonly workflow: Sha | undefined;
  readonly script: Sha | undefined;
  /** Who answered a prompt. */
  readonly agent?: string | undefined;
  /** Values that must not appear in any message. */
  readonly secrets: readonly string[];
}

/** What an answer carries besides what its script said. */
export interface CarriedTrailers {
  readonly carried?: readonly Trailer[];
  /** What stands at the end of the body. */
  readonly appendix?: string | undefined;
}

/** The state to write and, where the work went wrong, why and the end of its log. */
export interface FinalState {
  readonly state: string;
  readonly output?: Output | undefined;
  readonly trouble?: { readonly why: string; readonly log: string; readonly salvage?: string | undefined };
}

const TAIL_LINES = 40;
const TAIL_CHARACTERS = 4000;

/** Drafts the response. Throws nothing; `composeMessage` is the judge of the result. */
export function draftResponse(
  request: Request,
  verdict: FinalState,
  facts: RunFacts & CarriedTrailers,
): MessageDraft {
  const { output, trouble } = verdict;
  const clean = (text: string) => redact(cleanText(text), facts.secrets);
  const parts = [
    trouble ? `${capital(clean(trouble.why))}.` : "",
    output?.summary ? clean(output.summary) : "",
    trouble?.salvage ? `Unfinished work is saved: git show ${trouble.salvage}` : "",
    facts.appendix === undefined ? "" : clean(facts.appendix),
    trouble?.log.trim() ? `The end of its log:\n\n${indentTail(clean(trouble.log))}` : "",
  ];
  return {
    // Redacted before it is cut, because half a secret has no shape.
    header: cleanLine(clean(output?.subject ?? "")) || clean(sentence(request, verdict)),
    body: parts.filter((part) => part !== "").join("\n\n"),
    trailers: [
      ...[...copiedTrailers(request, output), ...numbers(request, verdict, facts)].map(({ key, value }) => ({
        key,
        value: key === KEY.branch ? value : cleanLine(clean(value), 2000) || "-",
      })),
      // Long lists of children are not cut: an answer that forgets one would not wait for it.
      ...(facts.carried ?? []),
    ],
  };
}

function sentence(request: Request, { state, trouble }: FinalState): string {
  const what = trouble ? `${request.state} failed (${trouble.why})` : `${request.state} is done`;
  if (state === "parked")
    return `trailhand: ${request.state} is parked for a person${trouble ? ` (${trouble.why})` : ""}`;
  if (state === "done") return `trailhand: ${what}, the work is finished`;
  if (isTerminal(state)) return `trailhand: ${what}`;
  return `trailhand: ${what}, ${state} is next`;
}

function numbers(request: Request, verdict: FinalState, facts: RunFacts): Trailer[] {
  const { output } = verdict;
  const line = (key: string, value: string | number | undefined): Trailer[] =>
    value === undefined ? [] : [{ key, value: String(value) }];
  return [
    ...line(request.key, verdict.state),
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

/** A request's trailers that the next one needs too, then those that the script added. */
export function copiedTrailers(request: Request, output: Output | undefined): Trailer[] {
  const added = output?.trailers ?? [];
  const replaced = new Set(added.map(({ key }) => key.toLowerCase()));
  const kept = request.message.trailers.filter(({ key, value }) => {
    const isReplaced = replaced.has(key.toLowerCase());
    return isCopied(key) && !isReplaced && value !== "" && /^[A-Za-z0-9][A-Za-z0-9-]*$/.test(key);
  });
  return [...kept, ...added];
}

/** The last lines of a log, indented, so that no line of it can pass for a trailer. */
export function indentTail(log: string): string {
  const lines = log.trimEnd().slice(-TAIL_CHARACTERS).split("\n").slice(-TAIL_LINES);
  return lines.map((line) => `    ${line}`.trimEnd()).join("\n");
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
