/** Writes the summary and the outputs of a job where GitHub Actions reads them. */
import { appendFileSync } from "node:fs";
import type { JobContext } from "../github/api/actions-context.ts";

export interface JobOutputs {
  /** True when the event or the run changed something. */
  readonly applied: boolean;
  readonly answered: number;
  readonly failed: number;
  readonly waiting: number;
}

export function writeJobResult(
  { summaryPath, outputPath }: JobContext,
  summary: string,
  outputs: JobOutputs,
): void {
  if (summaryPath !== undefined) appendFileSync(summaryPath, summary);
  const lines = Object.entries(outputs).map(([name, value]) => `${name}=${value}\n`);
  if (outputPath !== undefined) appendFileSync(outputPath, lines.join(""));
}
