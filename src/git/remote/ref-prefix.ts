/**
 * What our side refs are called at a remote.
 *
 * What must hold: everywhere else they are under `refs/trailhand/`; only here is it known that a
 * host may want them elsewhere, and that names there are then no branches.
 */
import { HEADS, type Ref } from "../../core/protocol/ids.ts";
import { DEFAULT_PREFIX, NAMESPACE } from "../../core/protocol/refs.ts";

export class RefPrefix {
  readonly value: string;

  /** `prefix` is a ref name without a slash at its end. */
  constructor(prefix: string = DEFAULT_PREFIX) {
    this.value = prefix;
  }

  /** Our name to the remote's. */
  toRemote(ref: string): string {
    return ref.startsWith(NAMESPACE) ? `${this.value}/${ref.slice(NAMESPACE.length)}` : ref;
  }

  /** The remote's name to ours; undefined: it is neither a branch nor a side ref. */
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
