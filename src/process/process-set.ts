/** All processes of one program, which end together. */
import { signalGroup } from "./process-group.ts";

export interface ProcessSet {
  /** Asks them to end. */
  terminate(): void;
  /** Ends them at once. */
  kill(): void;
  /** Resolves after the program has ended: true if it is proved that no other process of it is left. */
  isEmpty(): Promise<boolean>;
  /** Known after the end: false if the program was not started, because its sandbox could not be made. */
  hasStarted(): boolean;
}

/** The processes in the group of the program. Others may have left it. */
export const groupOf = (pid: number): ProcessSet => ({
  terminate: () => void signalGroup(pid, "SIGTERM"),
  kill: () => void signalGroup(pid, "SIGKILL"),
  isEmpty: () => Promise.resolve(false),
  hasStarted: () => true,
});
