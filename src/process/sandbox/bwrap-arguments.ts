/**
 * The command line of bubblewrap (bwrap(1)) for one attempt.
 *
 * Invariants:
 * - Later mounts cover earlier ones: first the system, then what is hidden, then what is shown.
 * - Programs write only to the tree, the side folder, the cache, and their private home and temporary folders.
 * - Nothing here is secret, because every user of the machine can read a command line.
 */
import { INSIDE, type MachineView, type SandboxFolders } from "./sandbox-needs.ts";

/** The file descriptor on which bubblewrap reports its first process. */
export const STATUS_FD = 3;

export function bwrapArguments(machine: MachineView, folders: SandboxFolders): string[] {
  const { system, links, home, runtimeDir, hidden, shown } = machine;
  const { tree, side, states, cache, temporary, objectStores, files } = folders;
  return [
    "--unshare-pid",
    "--unshare-ipc",
    "--die-with-parent",
    "--new-session",
    ["--cap-drop", "ALL"],
    ["--json-status-fd", String(STATUS_FD)],
    system.map((path) => ["--ro-bind", path, path]),
    links.map(([path, target]) => ["--symlink", target, path]),
    ["--dev", "/dev"],
    ["--proc", "/proc"],
    ["--tmpfs", "/run"],
    ["--dir", runtimeDir],
    ["--bind", temporary, "/tmp"],
    system.includes("/var") ? ["--bind", temporary, "/var/tmp"] : [],
    hidden.map((path) => ["--tmpfs", path]),
    ["--bind", folders.home, home],
    [...shown, ...objectStores, ...files].map((path) => ["--ro-bind", path, path]),
    ["--bind", tree, INSIDE.tree],
    ["--bind", side, INSIDE.side],
    ["--ro-bind", states, INSIDE.states],
    ["--bind", cache, INSIDE.cache],
    hidden.map((path) => ["--remount-ro", path]),
    ["--remount-ro", "/"],
    ["--chdir", INSIDE.tree],
    "--",
  ].flat(2);
}
