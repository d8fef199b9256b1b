/**
 * Finds out what a sandbox shows of this machine: the system, and the programs of the user.
 *
 * Invariants:
 * - Home folders, temporary folders and sockets are not shown, but for programs on the PATH.
 */
import { existsSync, readdirSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { INSIDE, type MachineView } from "./sandbox-needs.ts";

/** Entries of `/` that a sandbox does not share with the machine. */
const PRIVATE = new Set(["dev", "proc", "run", "tmp", "home", "root", "lost+found", basename(INSIDE.root)]);
const EMPTY_INSIDE = ["/run", "/tmp", "/var/run", "/var/tmp", "/dev", "/home", "/root"];

/** Where programs of one tool are, next to those of others in the same home folder. */
const TOOLCHAINS: readonly {
  readonly variable: string;
  readonly below: string;
  readonly parts: readonly string[];
}[] = [
  { variable: "NVM_DIR", below: ".nvm", parts: ["."] },
  { variable: "VOLTA_HOME", below: ".volta", parts: ["."] },
  { variable: "FNM_DIR", below: ".local/share/fnm", parts: ["."] },
  { variable: "PYENV_ROOT", below: ".pyenv", parts: ["."] },
  { variable: "RBENV_ROOT", below: ".rbenv", parts: ["."] },
  { variable: "ASDF_DATA_DIR", below: ".asdf", parts: ["."] },
  { variable: "MISE_DATA_DIR", below: ".local/share/mise", parts: ["."] },
  { variable: "SDKMAN_DIR", below: ".sdkman", parts: ["."] },
  { variable: "JAVA_HOME", below: "", parts: ["."] },
  { variable: "GOROOT", below: "", parts: ["."] },
  { variable: "RUSTUP_HOME", below: ".rustup", parts: ["."] },
  // The folder itself holds credentials of registries.
  { variable: "CARGO_HOME", below: ".cargo", parts: ["bin"] },
  { variable: "PNPM_HOME", below: ".local/share/pnpm", parts: ["."] },
  { variable: "PIPX_HOME", below: ".local/share/pipx", parts: ["."] },
  { variable: "UV_PYTHON_INSTALL_DIR", below: ".local/share/uv/python", parts: ["."] },
  { variable: "DENO_INSTALL", below: ".deno", parts: ["bin"] },
  { variable: "BUN_INSTALL", below: ".bun", parts: ["bin", "install/global"] },
  { variable: "PYTHONUSERBASE", below: ".local", parts: ["bin", "lib"] },
];

/** Programs of such a folder look for their files next to it. */
const PROGRAM_FOLDERS = new Set(["bin", "sbin", ".bin", "shims"]);

export interface MachineOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folders that attempts must not see, such as the caches of runners. */
  readonly hidden: readonly string[];
}

export function readMachineView({ env, hidden }: MachineOptions): MachineView {
  const home = homeOf(env);
  const entries = readdirSync("/", { withFileTypes: true }).filter(({ name }) => !PRIVATE.has(name));
  const links = entries.filter((entry) => entry.isSymbolicLink());
  const system = entries.flatMap((entry) => (entry.isDirectory() ? [`/${entry.name}`] : []));
  const privateFolders = [...EMPTY_INSIDE, home];
  // What lies in a private folder is not there, and needs no cover.
  const sockets = ["/var/run", env["XDG_RUNTIME_DIR"] ?? ""].filter(isAbsolute);
  const covered = [...new Set([...hidden, ...sockets].map(realPath))].filter(
    (path) => path !== "/" && isFolder(path) && !privateFolders.some((folder) => isWithin(path, folder)),
  );
  const isCovered = (path: string) =>
    [...privateFolders, ...covered].some((folder) => isWithin(path, folder));
  const needed = [...programFolders(env, home), ...nameServers()].filter(isCovered);
  return {
    system,
    links: links.map(({ name }) => [`/${name}`, readlinkSync(`/${name}`)]),
    home,
    runtimeDir: `/run/user/${process.getuid?.() ?? 0}`,
    hidden: outermost(covered),
    shown: outermost(needed),
  };
}

/** The place of the private home. */
function homeOf(env: MachineOptions["env"]): string {
  const home = env["HOME"] ?? "";
  return isAbsolute(home) && home !== "/" && isFolder(home) ? realpathSync(home) : INSIDE.home;
}

function programFolders(env: MachineOptions["env"], home: string): string[] {
  const tools = TOOLCHAINS.flatMap(({ variable, below, parts }) => {
    const root = env[variable] ?? (below === "" ? "" : join(home, below));
    return isAbsolute(root) ? parts.map((part) => join(root, part)) : [];
  });
  const toolRoots = new Set(TOOLCHAINS.map(({ variable, below }) => env[variable] ?? join(home, below)));
  const onPath = (env["PATH"] ?? "").split(":").filter(isAbsolute);
  const folders = onPath.map((folder) => {
    const parent = dirname(folder);
    const isShared = parent === "/" || parent === home || toolRoots.has(parent);
    return PROGRAM_FOLDERS.has(basename(folder)) && !isShared ? parent : folder;
  });
  return [...folders, ...tools, process.execPath].filter((path) => existsSync(path) && path !== home);
}

/** Name resolution often reads a file below `/run`. */
function nameServers(): string[] {
  return ["/etc/resolv.conf", "/etc/hosts"]
    .filter((path) => existsSync(path))
    .map((path) => realpathSync(path));
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

const realPath = (path: string): string => (existsSync(path) ? realpathSync(path) : path);

/** True for the folder itself too. */
export function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith("../") && !isAbsolute(way));
}

/** Without what lies in another one of them. */
const outermost = (paths: readonly string[]): string[] =>
  [...new Set(paths)].filter((path, _, all) => !all.some((other) => other !== path && isWithin(path, other)));
