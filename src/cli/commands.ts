/**
 * The one table of commands: help, the reference page and the completions are made from it.
 *
 * What must hold: an option or argument that is not here cannot be given; each command has an
 * example that works as it stands in a repository that `trailhand init` has prepared.
 */
import { GITHUB } from "./commands/github.ts";
import { HISTORY } from "./commands/history.ts";
import { LOOK } from "./commands/look.ts";
import { MEND } from "./commands/mend.ts";
import { MORE } from "./commands/more.ts";
import { START } from "./commands/start.ts";
import { WORK } from "./commands/work.ts";
import type { Command } from "./commands/shape.ts";

export { COMMON, GROUPS, type Command, type Offer, type Option } from "./commands/shape.ts";

export const COMMANDS: readonly Command[] = [
  ...START,
  ...WORK,
  ...LOOK,
  ...HISTORY,
  ...MEND,
  ...GITHUB,
  ...MORE,
];
