/** Stops one run early. The first reason wins. */

/** Why a run must end before its script does. */
export type StopReason = "fenced" | "moved" | "lease-lost" | "shutdown" | "held" | "called-off";

export class StopSwitch {
  reason: StopReason | undefined;
  /** Resolves with the reason. */
  readonly done: Promise<string>;
  #resolve: (reason: string) => void = () => undefined;

  constructor() {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  stop(reason: StopReason): void {
    this.reason ??= reason;
    this.#resolve(this.reason);
  }
}
