/** Finds circles in a graph of files or folders. */
import type { SourceFile } from "./imports.ts";

type Graph = ReadonlyMap<string, readonly string[]>;

/** A chain that leads back to its first node; undefined: there is none. */
export function findCycle(graph: Graph): string[] | undefined {
  const finished = new Set<string>();
  const visit = (node: string, above: readonly string[]): string[] | undefined => {
    if (above.includes(node)) return [...above.slice(above.indexOf(node)), node];
    if (finished.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...above, node]);
      if (cycle) return cycle;
    }
    finished.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle) return cycle;
  }
  return undefined;
}

/** For each folder: which of its folders import which others. The root is the folder "". */
export function folderImports(files: readonly SourceFile[]): Map<string, Map<string, string[]>> {
  const graphs = new Map<string, Map<string, string[]>>();
  for (const { path, imports } of files) {
    for (const { target } of imports) {
      if (!target.endsWith(".ts")) continue;
      const [from, to] = [path.split("/"), target.split("/")];
      const depth = from.findIndex((name, at) => name !== to[at]);
      // Both names have to be folders: a file beside a folder is on another level.
      const [folder, other] = [from[depth], to[depth]];
      if (depth < 0 || depth >= from.length - 1 || depth >= to.length - 1) continue;
      if (folder === undefined || other === undefined) continue;
      const parent = from.slice(0, depth).join("/");
      const graph = graphs.get(parent) ?? new Map<string, string[]>();
      graphs.set(parent, graph.set(folder, [...(graph.get(folder) ?? []), other]));
    }
  }
  return graphs;
}
