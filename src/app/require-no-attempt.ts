/**
 * Refuses commands that move refs inside an attempt.
 *
 * Invariants:
 * - The repository of an attempt is a private copy: a ref that moved there would be gone without a word.
 * - A script must not approve or cancel in the name of the person whose machine it runs on.
 */
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { RUN_SETTING } from "../core/protocol/run-variable.ts";
import type { Workspace } from "./workspace.ts";

export function requireNoAttempt(
  { here, location }: Pick<Workspace, "here" | "location">,
  command: string,
): void {
  const { config } = here ?? location;
  if (config.has(RUN_SETTING)) throw new UserError(MESSAGES.insideAttempt(command));
}
