/** Times the poll of a remote where nothing changed, against a bare `git ls-remote`. */
import { compare, type Figure } from "./compare.ts";
import { openRemote, withRemote } from "./remote-lab.ts";

/** One figure for each number of branches. */
export async function idle(heads: readonly number[], rounds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of heads) {
    const figure = await withRemote(count, async (lab) => {
      const { repository } = await openRemote(lab);
      await repository.listRefs();
      const run = async () => {
        if (!(await repository.listRefs()).isUnchanged) throw new Error("the poll reported a change");
      };
      const floor = { run: async () => void (await lab.git(["ls-remote", lab.url])) };
      const name = `poll of an unchanged remote, ${count.toLocaleString("en")} branches`;
      return compare(lab, name, rounds, { run }, floor);
    });
    figures.push(figure);
  }
  return figures;
}
