import type { Code } from '../../../agent/failure/failure.ts';
import { authority, garbage, unlinked, type Wish } from './wish.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/**
 * Leaves that must not be installed, and the code that is told. The words, with both values, are those of
 * test/unit/certificate.
 */
export const BAD_LEAVES: readonly (readonly [what: string, wish: Wish, code: Code])[] = [
  ['for another CN', { policy: { cn: 'gw-0002' } }, 'NL-LEAF-CN'],
  ['for servers only', { policy: { eku: 'server' } }, 'NL-LEAF-EKU'],
  ['for another key', { policy: { otherKey: true } }, 'NL-LEAF-KEY'],
  ['that has expired already', { policy: { lifetimeMs: -SECOND } }, 'NL-LEAF-VALIDITY'],
  ['that is about to expire', { policy: { lifetimeMs: 45 * SECOND } }, 'NL-LEAF-VALIDITY'],
  ['that is due already', { policy: { backdateMs: 20 * MINUTE, lifetimeMs: 4 * MINUTE } }, 'NL-LEAF-VALIDITY'],
  ['that is signed with SHA-1', { policy: { weak: true } }, 'NL-LEAF-WEAK'],
  ['that is no certificate at all', garbage, 'NL-LEAF-PARSE'],
  ['whose issuer did not sign it', unlinked, 'NL-LEAF-CHAIN'],
  ['that is a CA', authority, 'NL-LEAF-CA'],
];
