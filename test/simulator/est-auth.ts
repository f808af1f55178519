import type { Authority } from './ca.ts';
import { commonName, type Presented, validAt } from './presented.ts';

/** An answer that ends the call: HTTP status and words. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly bootstrap: Authority;
  /** The CAs whose leaves may renew. */
  readonly authorities: readonly Authority[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Who may enroll: a leaf of one of our CAs (both operations), a bootstrap identity or HTTP Basic (`simpleenroll` only).
 * Returns the CN that the request must keep when it renews; undefined where any may be asked for. Throws a Refusal.
 */
export function subjectOf(
  operation: string,
  authorization: string | undefined,
  presented: Presented | undefined,
  { username, password, bootstrap, authorities, now }: Credentials,
): string | undefined {
  const valid = presented !== undefined && validAt(presented.leaf, now);
  if (operation === 'simplereenroll') {
    if (presented === undefined || !authorities.some((authority) => authority.signed(presented.leaf))) {
      throw new Refusal(401, 'renewal needs a client certificate that this CA has issued');
    }
    if (!valid) throw new Refusal(401, 'the client certificate has expired, or is not valid yet');
    return commonName(presented.leaf);
  }
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const vouched = valid && [bootstrap, ...authorities].some((authority) => authority.signed(presented.leaf));
  if (!vouched && authorization !== basic) {
    throw new Refusal(401, 'neither a bootstrap certificate nor the right user name and password');
  }
  return undefined;
}
