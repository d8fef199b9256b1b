/** The rights that GitHub gives a person in a repository, in ascending order. */
export const RIGHTS = ["none", "read", "triage", "write", "maintain", "admin"] as const;
export type Right = (typeof RIGHTS)[number];

/** True when `actual` is `required` or a right above it. */
export const includesRight = (actual: Right, required: Right): boolean =>
  RIGHTS.indexOf(actual) >= RIGHTS.indexOf(required);
