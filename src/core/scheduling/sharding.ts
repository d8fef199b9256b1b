/**
 * Which of several runners takes a request first.
 *
 * What must hold: runners that know of each other agree without a word, because each request has
 * one highest draw among them (rendezvous hashing, Thaler and Ravishankar 1998); it is only a
 * preference: what its runner leaves lying, another one takes a moment later.
 */

/** True when nobody among the others has a higher draw for the request. */
export function isMine(self: string, others: Iterable<string>, request: string): boolean {
  const own = hashScore(self, request);
  for (const other of others) if (other !== self && hashScore(other, request) > own) return false;
  return true;
}

/** A number from 0 up to 2^32 that looks random: FNV-1a, mixed as in MurmurHash3's finalizer. */
export function hashScore(salt: string, text: string): number {
  let hash = 0x811c9dc5;
  for (const part of [salt, text]) {
    for (let at = 0; at < part.length; at++) hash = Math.imul(hash ^ part.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
