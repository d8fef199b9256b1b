/** Wraps the handlers of commands that need a branch with work on it. */
import { KEY } from "../../core/protocol/trailer-keys.ts";
import type { Trailer } from "../../core/protocol/trailer-block.ts";
import { hopLimit } from "../../core/workflow/workflow.ts";
import { escapeCode } from "../api/escape-markdown.ts";
import {
  type CommandContext,
  type CommandHandler,
  type HandlerResult,
  refused,
  replied,
} from "./comment-command.ts";
import type { ReportKind } from "./repository-port.ts";
import type { BranchPosition } from "../../core/scheduling/branch-position.ts";
import { eventTrailer } from "./submit-request.ts";

type WorkHandler = (
  context: CommandContext,
  position: BranchPosition,
  /** What every request of this command carries. */
  trailers: readonly Trailer[],
) => Promise<HandlerResult>;

/** A handler that writes on top of existing work. */
export const onExistingWork =
  (handle: WorkHandler): CommandHandler =>
  async (context) => {
    const { position } = context;
    if (!position) return refused(noWorkMessage(context));
    const hops = botHops(context);
    if ("why" in hops) return refused(hops.why);
    return handle(context, position, [...hops.trailers, eventTrailer(context)]);
  };

/** A handler that replies with a report of the branch. */
export const reportOf =
  (kind: ReportKind): CommandHandler =>
  async (context) => {
    const { actions, position, branch } = context;
    return position ? replied(await actions.report(kind, branch)) : refused(noWorkMessage(context));
  };

export const noWorkMessage = ({ branch, issue }: CommandContext): string =>
  issue
    ? "There is no work on this issue yet. To start it: `/request <state>`"
    : `The branch ${escapeCode(branch, 250)} does not exist in this repository.`;

/** The `Hops` trailer of a bot's request; its limit ends a loop of bots that answer each other. */
export function botHops({
  isBot,
  position,
  view,
}: CommandContext): { readonly trailers: readonly Trailer[] } | { readonly why: string } {
  if (!isBot) return { trailers: [] };
  const limit = hopLimit(view.workflow);
  const hops = (position?.hops ?? 0) + 1;
  if (hops > limit)
    return { why: `The limit of ${limit} hand-offs without a person is reached, so a person must continue.` };
  return { trailers: [{ key: KEY.hops, value: `${hops}/${limit}` }] };
}
