/** Times one claim and one response at a remote, against the two bare pushes. */
import type { Ref, Sha } from "../src/core/protocol/ids.ts";
import { compare, type Figure } from "./compare.ts";
import { openRemote, pushClaimAndResponse, withRemote } from "./remote-lab.ts";

const BRANCH = "refs/heads/work/1" as Ref;
const LEASE = "refs/trailhand/leases/bench" as Ref;

/** Two swaps through the port of the runner. Throws when a swap is rejected. */
export async function claimAtRemote(rounds: number): Promise<Figure[]> {
  return withRemote(1, async (lab) => {
    const { repository } = await openRemote(lab);
    await repository.listRefs();
    const request = (await lab.git(["rev-parse", BRANCH])).toString().trim() as Sha;
    const prepare = () => lab.git(["push", "-q", "--force", lab.url, `${request}:${BRANCH}`]);
    let round = 0;
    const run = async () => {
      const claim = await repository.note(`lease ${++round}\n`);
      await repository.swap([{ ref: LEASE, expected: null, next: claim }], "claim");
      const response = await repository.commit(request, request, `response ${round}\n`);
      const updates = [
        { ref: BRANCH, expected: request, next: response },
        { ref: LEASE, expected: claim, next: null },
      ];
      const { kind } = await repository.swap(updates, "response");
      if (kind !== "landed") throw new Error(`the swap of the response ended as "${kind}"`);
    };
    const floor = { prepare, run: () => pushClaimAndResponse(lab, "work/1", request) };
    return [await compare(lab, "claim and response at a remote", rounds, { prepare, run }, floor)];
  });
}
