/** Times the start of the built program against `node -e 0`. */
import { compare, type Figure } from "./compare.ts";
import { withLab } from "./lab.ts";
import { importSingleRequest } from "./requests.ts";
import { PROGRAM } from "./run-process.ts";

/** Figures for `--version` and `status`. */
export async function startUp(rounds: number): Promise<Figure[]> {
  return withLab(importSingleRequest(), async (lab) => {
    const start = (...args: string[]) => ({ run: () => lab.run(process.execPath, lab.dir, args) });
    const floor = start("-e", "0");
    return [
      await compare(lab, "trailhand --version", rounds, start(PROGRAM, "--version"), floor),
      await compare(lab, "trailhand status", rounds, start(PROGRAM, "status"), floor),
    ];
  });
}
