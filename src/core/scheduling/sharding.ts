/**
 * Assigns requests to runners by rendezvous hashing (Thaler and Ravishankar, 1998).
 *
 * Invariants:
 * - Runners that know the same peers agree on the owner of a request without exchanging messages.
 * - The assignment is only a preference: a request that its owner leaves is taken by another runner.
 */

/** True if no other runner has a higher score for the request. */
export function isMine(self: string, others: Iterable<string>, request: string): boolean {
  const own = hashScore(self, request);
  for (const other of others) if (other !== self && hashScore(other, request) > own) return false;
  return true;
}

/** A uniform hash from 0 to 2^32 - 1: FNV-1a, mixed by the finalizer of MurmurHash3. */
export function hashScore(salt: string, text: string): number {
  let hash = 0x811c9dc5;
  for (const part of [salt, text]) {
    for (let at = 0; at < part.length; at++) hash = Math.imul(hash ^ part.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
