/** A webhook delivery with a verified signature. */
export interface Delivery {
  /** The `X-GitHub-Delivery` header. */
  readonly id: string;
  /** The `X-GitHub-Event` header. */
  readonly name: string;
  readonly payload: unknown;
}
