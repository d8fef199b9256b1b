/** Mutants of signatures, hostile trees, and records that cannot be read. */
import type { Mutant } from "./mutants.ts";

const execute = "engine/attempt/execute.ts";
const commitResult = "engine/attempt/commit-result.ts";

export const TREE_MUTANTS: readonly Mutant[] = [
  {
    name: "script starts in a tree without its files",
    file: execute,
    find: "if (call.tree.problem !== undefined) return",
    replace: 'if (call.tree.problem === "") return',
    seed: 10,
  },
  {
    name: "problem of the files is not the reason of the failure",
    file: "engine/attempt/validate-result.ts",
    find: 'const treeProblem = typeof collected === "string" ? collected : undefined;',
    replace: "const treeProblem = undefined;",
    seed: 9,
  },
  {
    name: "lease is not renewed while files are collected",
    file: execute,
    find: "const result = runSetupAndScript(services, call).then((end) => examine(attempt, end, tree));\n    await finalize(attempt, await renewWhile(ports, claim, services.stop, result));",
    replace:
      "const end = await renewWhile(ports, claim, services.stop, runSetupAndScript(services, call));\n    await finalize(attempt, await examine(attempt, end, tree));",
    seed: 18,
  },
  {
    name: "tree that could not be saved is removed",
    file: execute,
    find: "  } catch {\n    return;\n  }\n  await ports.trees.release(tree);",
    replace: "  } catch {}\n  await ports.trees.release(tree);",
    seed: 62,
  },
  {
    name: "failed attempt does not save its tree",
    file: "engine/attempt/finalize.ts",
    find: "return { ...result, saved: await saveTree(services.ports, claim, tree, why) };",
    replace: "return result;",
    seed: 2,
  },
  {
    name: "unreadable lease is kept forever",
    file: "core/scheduling/decide.ts",
    find: "observed.lease?.ttlMs ?? LEASE_LIMITS.unreadableMs",
    replace: "observed.lease?.ttlMs ?? 1e9 * LEASE_LIMITS.unreadableMs",
    seed: 3,
  },
  {
    name: "unreadable lease of a waiting request is kept forever",
    file: "engine/loop/cleanup.ts",
    find: "if (!previousLease || lost?.backoff) return false;",
    replace: "if (!previousLease || !lost || lost.backoff) return false;",
    seed: 18,
  },
  {
    name: "unreadable lane slot is kept forever",
    file: "core/scheduling/orphans.ts",
    find: "({ ref, run }) => !liveRuns.has(run)",
    replace: "({ ref, run }) => run !== undefined && !liveRuns.has(run)",
    seed: 3,
  },
  {
    name: "response goes out unsigned",
    file: commitResult,
    find: "const commit = await repository.sign(own);",
    replace: "const commit = await repository.sign(own).catch(() => own);",
    seed: 11,
  },
  {
    name: "child's request is not signed",
    file: commitResult,
    find: "await repository.sign(await repository.commit(tree, commit, message));",
    replace: "await repository.commit(tree, commit, message);",
    seed: 14,
  },
  {
    name: "script's unsigned commit is accepted",
    file: "engine/attempt/validate-result.ts",
    find: "if (!services.trustedConfig.workflow.sign) return undefined;",
    replace: "if (head) return undefined;",
    seed: 11,
  },
  {
    name: "pending response lands unsigned",
    file: commitResult,
    find: "next = await repository.sign(response);",
    replace: "next = response;",
    seed: 11,
  },
  {
    name: "response to a failure waits for its signature without the saved files",
    file: commitResult,
    find: "if (saved) await keepCommit(ports, held, saved.value);",
    replace: "",
    seed: 95,
  },
];
