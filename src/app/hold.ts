/** Sets or clears the global hold. */
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { HOLD } from "../core/protocol/refs.ts";
import type { HoldInfo } from "./history-queries.ts";
import type { Workspace } from "./workspace.ts";

/** Holds everything, or lets it go with null. Throws a Fault when somebody else was faster. */
export async function changeHold(
  { repository, location }: Workspace,
  held: HoldInfo | undefined,
  message: string | null,
) {
  if (!location.person) throw new UserError(MESSAGES.noIdentity());
  const next = message === null ? null : await repository.personNote(message, location.person);
  const swap = await repository.swap([{ ref: HOLD, expected: held?.commit ?? null, next }], "hold");
  if (swap.kind !== "landed") throw new UserError(MESSAGES.holdMoved());
}
