/**
 * Shows the work on GitHub: looks, opens pull requests, and then writes all else.
 *
 * What must hold: a pull request that is opened is a place where the work is shown, so that it is
 * opened before anybody is called; where it cannot be, all else is shown nevertheless.
 */
import { bringInLine, type Published } from "./publish.ts";
import type { Self, Surface } from "./surface.ts";
import type { Pull, Wanted } from "./wanted.ts";

/** `picture` is what should be shown, with these pull requests open. */
export async function showWork(
  surface: Surface,
  picture: (pulls: readonly Pull[]) => Wanted,
  self: Self,
): Promise<Published> {
  const wanted = picture(await surface.pulls());
  if (wanted.pulls.length === 0) return bringInLine(surface, wanted, self);
  const opened = await bringInLine(surface, { ...NOTHING, pulls: wanted.pulls }, self);
  if (opened.later) return opened;
  const then = opened.done.length > 0 ? picture(await surface.pulls()) : wanted;
  const rest = await bringInLine(surface, { ...then, pulls: [] }, self);
  return {
    done: [...opened.done, ...rest.done],
    refused: [...opened.refused, ...rest.refused],
    open: [...opened.open, ...rest.open],
    later: rest.later,
  };
}

const NOTHING: Wanted = { threads: [], checks: [], reactions: [], pulls: [], calls: [], closings: [] };
