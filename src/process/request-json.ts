/**
 * Builds the request file of a state script: all facts about the request, as JSON.
 *
 * Invariants:
 * - A field without a value is null or empty, never missing.
 * - It contains no secrets.
 */
import { formatDuration } from "../core/util/duration.ts";
import type { Child } from "../core/scheduling/children.ts";
import { parseConventionalCommit, parseMessage, valueOf } from "../core/protocol/message.ts";
import { findOrigin } from "../core/protocol/origin.ts";
import { DEFAULT_AGENT } from "../core/outcome/prompt.ts";
import type { Commit, Request } from "../core/protocol/request.ts";
import type { ScriptCall } from "../engine/ports.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import { TOLD_HAND_OFFS } from "./timing.ts";

/** The request as JSON, for `TRAILHAND_REQUEST`. */
export function requestJson(call: ScriptCall): string {
  const { request, trail, carried: item } = call;
  const { header, body, trailers } = request.message;
  return JSON.stringify(
    {
      branch: request.branch,
      target: call.target,
      targetCommit: call.targetCommit,
      commit: request.commit,
      state: request.state,
      next: call.next,
      run: call.run,
      attempt: call.attempt,
      attempts: call.attempts,
      timeout: formatDuration(call.timeoutMs),
      hops: request.hops,
      header,
      body,
      trailers,
      ...messageParts(parseConventionalCommit(request.message)),
      origin: findOrigin(request, trail),
      children: call.children.map(childJson),
      approvals: call.approvals,
      plan: planJson(call),
      members: call.members.map(memberJson),
      spent: item.spent,
      budget: item.budget,
      rounds: item.rounds,
      owns: item.owns,
      risk: item.risk ?? null,
      agent: call.agent?.name ?? (call.script.isPrompt ? DEFAULT_AGENT : null),
      trail: trail.slice(0, TOLD_HAND_OFFS).map(handOffJson),
      salvage: call.salvage,
      previous: call.previous ?? null,
    },
    undefined,
    2,
  );
}

function messageParts({
  type,
  scope,
  subject,
  references,
  mentions,
  notes,
}: ReturnType<typeof parseConventionalCommit>): object {
  return { type: type ?? null, scope: scope ?? null, subject, references, mentions, notes };
}

function childJson({ key, branch, state, head, subject, summary, cost, tokens, isNew }: Child): object {
  return { key, branch, state, head: head ?? null, subject, summary, cost, tokens, new: isNew };
}

function planJson({ plan: frozen }: ScriptCall): object | null {
  return frozen ? { id: frozen.id, step: frozen.step, of: frozen.of, steps: frozen.steps } : null;
}

function memberJson({ branch, commit, message: { header, body }, committed }: Request): object {
  return { branch, commit, subject: header, body, committed };
}

function handOffJson(commit: Commit): object {
  const { header, body, trailers } = parseMessage(commit.message);
  return { commit: commit.commit, header, body, state: valueOf(trailers, KEY.state) ?? null, trailers };
}
