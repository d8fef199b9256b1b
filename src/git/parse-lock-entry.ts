/** Reads an entry of the lock journal. It is loaded on demand, because a command that finds no entry needs no schema. */
import { z } from "zod";
import { parseSha, type Ref } from "../core/protocol/ids.ts";
import type { LockPlan } from "./lock-plan.ts";

const sha = z.string().transform((text, context) => {
  const id = parseSha(text);
  if (id !== undefined) return id;
  context.addIssue("not an object id");
  return z.NEVER;
});

const ref = z
  .string()
  .startsWith("refs/")
  .transform((text) => text as Ref);

const entrySchema = z.object({
  owner: z.record(z.string(), z.unknown()),
  mark: z.string(),
  plan: z.object({
    locks: z.array(z.object({ path: z.string(), text: z.string().optional() })),
    updates: z.array(z.object({ ref, expected: sha.nullable(), next: sha.nullable() })).optional(),
    moves: z.array(z.object({ dir: z.string(), gitDir: z.string(), from: sha, to: sha })).optional(),
  }),
});

interface LockEntry {
  readonly owner: object;
  /** Names the processes of the entry. */
  readonly mark: string;
  readonly plan: LockPlan;
}

/** Undefined for anything else, such as a file that a power cut left empty. */
export const parseLockEntry = (value: unknown): LockEntry | undefined => entrySchema.safeParse(value).data;
