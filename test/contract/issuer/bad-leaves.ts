import type { Code } from '../../../agent/failure/failure.ts';
import { authority, garbage, unlinked, type Wish } from './wish.ts';

/** A leaf that must not be installed, and what is said of it: both values, what was expected and what came. */
export interface BadLeaf {
  readonly what: string;
  readonly wish: Wish;
  readonly code: Code;
  readonly says: RegExp;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const MOMENT = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z';
const KEY = 'EC P-256 \\(SHA-256 [0-9a-f]{64}\\)';

export const BAD_LEAVES: readonly BadLeaf[] = [
  {
    what: 'for another CN',
    wish: { policy: { cn: 'gw-0002' } },
    code: 'NL-LEAF-CN',
    says: /Expected the CN "gw-0001"; delivered was "gw-0002"\./,
  },
  {
    what: 'for servers only',
    wish: { policy: { eku: 'server' } },
    code: 'NL-LEAF-EKU',
    says: /allow clientAuth \(1\.3\.6\.1\.5\.5\.7\.3\.2\); delivered was 1\.3\.6\.1\.5\.5\.7\.3\.1\./,
  },
  {
    what: 'for another key',
    wish: { policy: { otherKey: true } },
    code: 'NL-LEAF-KEY',
    says: new RegExp(`Expected the key ${KEY}; delivered was "CN=gw-0001" with the key ${KEY}\\.`),
  },
  {
    what: 'that has expired already',
    wish: { policy: { lifetimeMs: -SECOND } },
    code: 'NL-LEAF-VALIDITY',
    says: new RegExp(`Expected 60 s of validity or more from ${MOMENT} on; the delivered leaf ends at ${MOMENT}\\.`),
  },
  {
    what: 'that is about to expire',
    wish: { policy: { lifetimeMs: 45 * SECOND } },
    code: 'NL-LEAF-VALIDITY',
    says: new RegExp(`Expected 60 s of validity or more from ${MOMENT} on; the delivered leaf ends at ${MOMENT}\\.`),
  },
  {
    what: 'that is due already',
    wish: { policy: { backdateMs: 20 * MINUTE, lifetimeMs: 4 * MINUTE } },
    code: 'NL-LEAF-VALIDITY',
    says: new RegExp(
      `not yet due at ${MOMENT}; the delivered one \\(${MOMENT} to ${MOMENT}\\) is due at ${MOMENT} under leaf`,
    ),
  },
  {
    what: 'that is signed with SHA-1',
    wish: { policy: { weak: true } },
    code: 'NL-LEAF-WEAK',
    says: /Expected a signature with SHA-256 or better; "CN=gw-0001" is signed with ecdsa-with-SHA1\./,
  },
  {
    what: 'that is no certificate at all',
    wish: garbage,
    code: 'NL-LEAF-PARSE',
    says: /Expected certificates in PEM; the \d+ characters delivered cannot be read as such\./,
  },
  {
    what: 'whose issuer did not sign it',
    wish: unlinked,
    code: 'NL-LEAF-CHAIN',
    says: /Expected "CN=gw-0001" to be signed by its issuer "CN=Root"; it is not .+ \(SHA-256 [0-9A-F]{64}\)\./,
  },
  {
    what: 'that is a CA',
    wish: authority,
    code: 'NL-LEAF-CA',
    says: /Expected a leaf \(basicConstraints CA:FALSE\); "CN=gw-0001" was delivered with CA:TRUE\./,
  },
];
