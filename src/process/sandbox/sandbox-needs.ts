/** What a sandbox is made for, and the paths that programs find in it. */

/** The paths of an attempt inside. They are the same for every attempt, so that build caches stay valid. */
export const INSIDE = {
  root: "/trailhand",
  tree: "/trailhand/tree",
  side: "/trailhand/side",
  states: "/trailhand/states",
  cache: "/trailhand/cache",
  home: "/trailhand/home",
} as const;

/** The folders of one attempt on this machine. */
export interface SandboxFolders {
  readonly tree: string;
  readonly side: string;
  /** The files of the trusted commit, which stay as they are. */
  readonly states: string;
  /** A folder that outlives the attempt. */
  readonly cache: string;
  /** The home folder and the temporary folder of the attempt. */
  readonly home: string;
  readonly temporary: string;
  /** Where git reads objects of the repository. */
  readonly objectStores: readonly string[];
  /** What the workflow shows of the machine, as paths or below `~/`. */
  readonly files: readonly string[];
}

/** What all attempts of a runner see of this machine. */
export interface MachineView {
  /** Folders of `/` that hold the system, and links in `/`. */
  readonly system: readonly string[];
  readonly links: readonly (readonly [path: string, target: string])[];
  /** The home folder of the user, which the private one takes the place of. */
  readonly home: string;
  readonly runtimeDir: string;
  /** Folders that are empty inside. */
  readonly hidden: readonly string[];
  /** Folders and files that are shown although they lie in a hidden or private folder. */
  readonly shown: readonly string[];
}
