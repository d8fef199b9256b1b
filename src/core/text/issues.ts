/** What a schema found wrong, said as near to the mistake as possible. */
import type * as z from "zod";

/** Of the forms that a value may have, what is wrong with the one that came nearest. */
export function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  const inner =
    issue.code === "invalid_union" ? issue.errors.flat() : issue.code === "invalid_key" ? issue.issues : [];
  const nearest = inner.toSorted((a, b) => nearness(b) - nearness(a))[0];
  return nearest ? innermost({ ...nearest, path: [...issue.path, ...nearest.path] }) : issue;
}

/** Right in its type is nearer than wrong in it. */
const nearness = (issue: z.core.$ZodIssue): number =>
  issue.path.length + (issue.code === "invalid_type" ? 0 : 1);
