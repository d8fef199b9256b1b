/**
 * The request file of a state script: everything that a script may want to know, as JSON.
 *
 * What must hold: a field that has no value is there as null or empty, so that a script may ask for
 * it; nothing here is a secret.
 */
import { formatDuration } from "../core/util/duration.ts";
import type { Child } from "../core/scheduling/children.ts";
import { describeMessage, parseMessage, valueOf } from "../core/protocol/message.ts";
import { originOf } from "../core/protocol/authorship.ts";
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
      ...pick(describeMessage(request.message)),
      origin: originOf(request, trail),
      children: call.children.map(child),
      approvals: call.approvals,
      plan: plan(call),
      members: call.members.map(member),
      spent: item.spent,
      budget: item.budget,
      rounds: item.rounds,
      owns: item.owns,
      risk: item.risk ?? null,
      agent: call.agent?.name ?? (call.script.isPrompt ? DEFAULT_AGENT : null),
      trail: trail.slice(0, TOLD_HAND_OFFS).map(handOff),
      salvage: call.salvage,
      previous: call.previous ?? null,
    },
    undefined,
    2,
  );
}

function pick({
  type,
  scope,
  subject,
  references,
  mentions,
  notes,
}: ReturnType<typeof describeMessage>): object {
  return { type: type ?? null, scope: scope ?? null, subject, references, mentions, notes };
}

function child({ key, branch, state, head, subject, summary, cost, tokens, isNew }: Child): object {
  return { key, branch, state, head: head ?? null, subject, summary, cost, tokens, new: isNew };
}

function plan({ plan: frozen }: ScriptCall): object | null {
  return frozen ? { id: frozen.id, step: frozen.step, of: frozen.of, steps: frozen.steps } : null;
}

function member({ branch, commit, message: { header, body }, committed }: Request): object {
  return { branch, commit, subject: header, body, committed };
}

function handOff(commit: Commit): object {
  const { header, body, trailers } = parseMessage(commit.message);
  return { commit: commit.commit, header, body, state: valueOf(trailers, KEY.state) ?? null, trailers };
}
