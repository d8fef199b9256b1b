/** Lists that scripts declare: as such, or as the JSON text of one. */
import * as z from "zod";

/** A list of anything; the schema of its members follows in a pipe. */
export const jsonList = z.union([
  z.string().transform((text, context): unknown[] => {
    try {
      const value: unknown = JSON.parse(text);
      if (Array.isArray(value)) return value;
    } catch {
      // The issue below says it.
    }
    context.addIssue({ code: "custom", message: "is no JSON list" });
    return z.NEVER;
  }),
  z.array(z.unknown()),
]);
