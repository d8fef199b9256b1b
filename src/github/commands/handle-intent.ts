/**
 * Handles an intent: runs it for its account.
 *
 * Invariants:
 * - An account that is not listened to gets no reply.
 * - Each command of a comment is an event of its own.
 */
import { IntentActor, type ActorOptions, type IntentResult } from "./intent-actor.ts";
import { parseCommands } from "./parse-commands.ts";
import type { RepositoryActions } from "./repository-port.ts";
import type { GitHubQueries } from "./github-queries.ts";
import type { Intent } from "./intent.ts";
import { isListenedTo } from "./permission.ts";

/** Throws only while GitHub or the remote is unreachable, so that the delivery is retried. */
export async function handleIntent(
  intent: Intent,
  actions: RepositoryActions,
  queries: GitHubQueries,
  options: ActorOptions,
): Promise<readonly IntentResult[]> {
  // A reply to a bot could start a loop of two bots.
  if ("actor" in intent && !(await isListenedTo(intent.actor, actions))) return [];
  switch (intent.kind) {
    case "wake":
    case "sweep":
      return [];
    case "check":
      await actions.recordCheck(intent.commit, intent.name, intent.conclusion);
      return [];
    case "command":
      return handleCommands(intent, actions, queries, options);
    case "label":
      return [await new IntentActor(intent, actions, queries, options).label(intent.issue, intent.state)];
    case "review":
      return [await new IntentActor(intent, actions, queries, options).review(intent)];
    case "button":
      return [await new IntentActor(intent, actions, queries, options).button(intent)];
    case "pull":
      return intent.action === "closed" && !intent.head.isFork
        ? [await new IntentActor(intent, actions, queries, options).closed(intent.number, intent.head.ref)]
        : [];
  }
}

async function handleCommands(
  intent: Extract<Intent, { kind: "command" }>,
  actions: RepositoryActions,
  queries: GitHubQueries,
  options: ActorOptions,
): Promise<readonly IntentResult[]> {
  const results: IntentResult[] = [];
  for (const [at, parsed] of parseCommands(intent.text, options.slug).entries()) {
    const event = at === 0 ? intent.event : `${intent.event}#${at + 1}`;
    const actor = new IntentActor({ ...intent, event }, actions, queries, options);
    results.push(await actor.command(parsed, intent.location));
  }
  return results;
}
