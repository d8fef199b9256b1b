/** Answers to requests of other branches, as a script declares them. */
import * as z from "zod";
import { jsonList } from "../text/lists.ts";

const verdictSchema = z.strictObject({
  branch: z.string(),
  commit: z.string(),
  state: z.string(),
  subject: z.string().max(2000).optional(),
  summary: z.string().optional(),
});

/** An answer to the request of another branch, as a script declares it. */
export type OtherAnswer = z.infer<typeof verdictSchema>;

/** A list of them, or the JSON text of one. */
export const verdictsSchema = jsonList.pipe(z.array(verdictSchema).max(100));
