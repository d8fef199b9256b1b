/** The name of a branch's side refs: branch names clash as directories, and on disks that fold case. */
import { createHash } from "node:crypto";
import { refOf, type Branch } from "../core/ids.ts";

/** 40 hex digits of SHA-256 of the full branch ref. */
export function branchKey(branch: Branch): string {
  return createHash("sha256").update(refOf(branch)).digest("hex").slice(0, 40);
}
