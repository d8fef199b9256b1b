/** The name of a branch's side refs: branch names clash as directories, and on disks that fold case. */
import { hash } from "node:crypto";
import { refOf, type Branch } from "../core/text/ids.ts";

/** 40 hex digits of SHA-256 of the full branch ref. */
export function branchKey(branch: Branch): string {
  return hash("sha256", refOf(branch), "hex").slice(0, 40);
}
