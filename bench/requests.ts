/** The project of the benchmarks that need one state: requests as `git fast-import` streams. */
import { importCommit, importFile } from "./fast-import.ts";

/** A project with requests, each on a branch of its own: `work/1`, `work/2` and so on. */
export function importRequests(count: number): string {
  const requests = Array.from({ length: count }, (_, index) =>
    importRequest(`refs/heads/work/${index + 1}`, index + 1),
  );
  return importProject() + requests.join("");
}

/** A project with one request, kept at `refs/requests/1` outside the branches. */
export function importSingleRequest(): string {
  return importProject() + importRequest("refs/requests/1", 1);
}

const importRequest = (ref: string, number: number): string =>
  importCommit(ref, number + 1, `feat: thing ${number}\n\nState: work\n`, "from :1\n");

function importProject(): string {
  const workflow = importFile("states/workflow.yml", "states:\n  work: { next: done }\n");
  const script = importFile("states/work", "#!/bin/sh\nexit 0\n", "100755");
  return importCommit("refs/heads/main", 1, "first commit", workflow + script);
}
