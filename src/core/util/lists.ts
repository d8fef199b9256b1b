/** The schema of a list in the output of a script: a list, or JSON text that contains one. */
import * as z from "zod";

/** Pipe it into the schema of the members. */
export const jsonList = z.union([
  z.string().transform((text, context): unknown[] => {
    try {
      const value: unknown = JSON.parse(text);
      if (Array.isArray(value)) return value;
    } catch {
      // Reported below.
    }
    context.addIssue({ code: "custom", message: "is not a JSON list" });
    return z.NEVER;
  }),
  z.array(z.unknown()),
]);
