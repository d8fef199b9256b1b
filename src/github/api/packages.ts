/**
 * The only file that loads GitHub's packages, at the moment when they are needed.
 *
 * The build keeps it as a separate file: the program runs from a code cache (see `src/cli/load.ts`),
 * and code from a cache has no `import()`.
 */

export const loadProbot = () => import("probot");

export const loadRest = () => import("@octokit/rest");
