/**
 * The one place where packages of GitHub are loaded.
 *
 * What must hold: they are loaded when a function here is called, and not before. The build leaves
 * this file beside the program, because what is imported inside it cannot be: the program is
 * compiled from a cache (see `src/cli/load.ts`), and such code has no `import()`.
 */

export const loadProbot = () => import("probot");

export const loadRest = () => import("@octokit/rest");
