/**
 * Acts on intents: each is handed to who carries it out for its actor.
 *
 * What must hold: whoever is not listened to is not answered; two commands of one comment are two events.
 */
import { IntentActor, type ActorOptions, type IntentResult } from "./actor.ts";
import { parseCommands } from "./command-table.ts";
import type { RepositoryActions } from "./repository-port.ts";
import type { GitHubQueries } from "./github-queries.ts";
import type { Intent } from "./intent.ts";
import { isListenedTo } from "./permission.ts";

/** Acts on an intent. Throws only where GitHub or the remote is away, so that it is tried again. */
export async function handleIntent(
  intent: Intent,
  actions: RepositoryActions,
  queries: GitHubQueries,
  options: ActorOptions,
): Promise<readonly IntentResult[]> {
  // Bots are answered with silence, or two of them would go on for ever.
  if ("actor" in intent && !(await isListenedTo(intent.actor, actions))) return [];
  switch (intent.kind) {
    case "wake":
    case "sweep":
      return [];
    case "check":
      await actions.recordCheck(intent.commit, intent.name, intent.conclusion);
      return [];
    case "command":
      return actOnText(intent, actions, queries, options);
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

async function actOnText(
  intent: Extract<Intent, { kind: "command" }>,
  actions: RepositoryActions,
  queries: GitHubQueries,
  options: ActorOptions,
): Promise<readonly IntentResult[]> {
  const results: IntentResult[] = [];
  for (const [at, parsed] of parseCommands(intent.text, options.slug).entries()) {
    const event = at === 0 ? intent.event : `${intent.event}#${at + 1}`;
    results.push(
      await new IntentActor({ ...intent, event }, actions, queries, options).command(parsed, intent.location),
    );
  }
  return results;
}
