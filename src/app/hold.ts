/** Sets or clears the global hold. */
import { Fault, words } from "../core/messages/messages.ts";
import { HOLD } from "../core/protocol/refs.ts";
import type { Held } from "./history-queries.ts";
import type { Site } from "./workspace.ts";

/** Holds everything, or lets it go with null. Throws a Fault when somebody else was faster. */
export async function moveHold({ repository, place }: Site, held: Held | undefined, message: string | null) {
  if (!place.person) throw new Fault(words.noIdentity());
  const next = message === null ? null : await repository.personNote(message, place.person);
  const swap = await repository.swap([{ ref: HOLD, expected: held?.commit ?? null, next }], "hold");
  if (swap.kind !== "landed") throw new Fault(words.holdMoved());
}
