/** Writes the commits and files of a benchmark repository as a `git fast-import` stream. */

/** One commit. `rest` is its parent (`from :1`) and its files, as `importFile` writes them. */
export function importCommit(ref: string, mark: number, message: string, rest: string): string {
  const size = Buffer.byteLength(message);
  const committer = `committer Ann <ann@example.com> ${1_700_000_000 + mark} +0000`;
  return `commit ${ref}\nmark :${mark}\n${committer}\ndata ${size}\n${message}\n${rest}\n`;
}

/** One file of a commit. */
export function importFile(path: string, text: string, mode = "100644"): string {
  return `M ${mode} inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
}
