/**
 * Scales the number of generated cases: 1 in `npm test`, more in `npm run test:all`.
 */
const SCALE = Number(process.env["TEST_SCALE"] ?? 1);

/** The number of generated cases to run, if `npm test` runs `count`. */
export const cases = (count: number): number => Math.ceil(count * SCALE);

/** The distance between two sampled cases of a series, if `npm test` runs one in `distance`. */
export const stride = (distance: number): number => Math.max(1, Math.round(distance / SCALE));
