/**
 * How much repetition a test run has: 1 in `npm test`, more in `npm run test:all`.
 */
const SCALE = Number(process.env["TEST_SCALE"] ?? 1);

/** The number of generated cases to run where `npm test` runs `count`. */
export const cases = (count: number): number => Math.ceil(count * SCALE);

/** The distance between two cases of a long series where `npm test` takes one in `distance`. */
export const stride = (distance: number): number => Math.max(1, Math.round(distance / SCALE));
