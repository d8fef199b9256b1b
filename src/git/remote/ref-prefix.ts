/**
 * Translates the names of side refs between here and a remote.
 *
 * Invariants:
 * - Everywhere else, side refs are under `refs/trailhand/`. Only here is it known that a remote may
 *   use another prefix.
 */
import { HEADS, type Ref } from "../../core/protocol/ids.ts";
import { DEFAULT_PREFIX, NAMESPACE } from "../../core/protocol/refs.ts";

export class RefPrefix {
  readonly value: string;

  /** A ref name without a slash at its end. */
  constructor(prefix: string = DEFAULT_PREFIX) {
    this.value = prefix;
  }

  toRemote(ref: string): string {
    return ref.startsWith(NAMESPACE) ? `${this.value}/${ref.slice(NAMESPACE.length)}` : ref;
  }

  /** Undefined for a name that is neither a branch nor a side ref. */
  toLocal(name: string): Ref | undefined {
    if (name.startsWith(`${this.value}/`)) {
      return `${NAMESPACE}${name.slice(this.value.length + 1)}` as Ref;
    }
    return name.startsWith(HEADS) ? (name as Ref) : undefined;
  }

  /** Patterns for `git ls-remote`. */
  listPatterns(): string[] {
    return ["HEAD", `${HEADS}*`, `${this.value}/*`];
  }
}
