/** One result of `trailhand doctor`. */
export interface Finding {
  readonly about: string;
  /** `bad` keeps Trailhand from working; `odd` deserves a look. */
  readonly level: "fine" | "odd" | "bad";
  readonly what: string;
  /** The command that fixes it. */
  readonly next?: string;
}
