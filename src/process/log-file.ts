/** Names the log file of a run. */
import { join } from "node:path";
import type { RunId } from "../core/protocol/ids.ts";

/** A run id names a file, so only a parsed one may come here: commits and side refs hold any text. */
export const logFileOf = (logs: string, run: RunId): string => join(logs, `${run}.log`);
