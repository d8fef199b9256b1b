/** Rounds numbers for people. */
export const roundToTenth = (n: number): number => Math.round(n * 10) / 10;
