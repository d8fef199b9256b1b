/** Readers of what git says about changed paths; each works for every name that a file can have. */

/** `git diff-tree --stdin -r -z --raw`: the changed paths of each commit that has any. */
export function parseChanges(output: string): Map<string, string[]> {
  const changes = new Map<string, string[]>();
  const fields = output.split("\0");
  let paths: string[] = [];
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] ?? "";
    // The path follows its own field, so a file that is called like a commit is none.
    if (field.startsWith(":")) paths.push(fields[++at] ?? "");
    else if (field !== "") changes.set(field.trim(), (paths = []));
  }
  return changes;
}

/** How many lines of a file were added and removed; undefined for files that are no text. */
export interface Change {
  readonly path: string;
  readonly added: number | undefined;
  readonly removed: number | undefined;
}

/** `git diff --numstat -z --no-renames`. */
export function parseNumstat(output: string): Change[] {
  return output.split("\0").flatMap((record): Change[] => {
    const [, added = "", removed = "", path = ""] = /^(\d+|-)\t(\d+|-)\t([^]+)$/.exec(record) ?? [];
    const count = (text: string) => (text === "-" ? undefined : Number(text));
    return path === "" ? [] : [{ path, added: count(added), removed: count(removed) }];
  });
}
