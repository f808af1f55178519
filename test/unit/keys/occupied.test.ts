import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { clearing } from '../../../agent/keys/occupied.ts';
import { DAY, mint, NOW } from '../certificate/mint.ts';
import { scratch } from '../state/disk.ts';

const whole = { sensitive: true, alwaysSensitive: true, extractable: false, neverExtractable: true, local: true };
const ADOPT = /^It has a valid leaf for this gateway, .*`newleaf init --adopt token --yes`/;
const DESTROY = /^Left by an earlier newleaf, .*`newleaf decommission`.* Else: .*hsm\.label_prefix/;
const KEEP = /^Let it stay, .*hsm\.label_prefix/;

const ca = await mint({ subject: 'CN=CA', ca: true });
const leaf = await mint({ by: ca });
const of = { keys: leaf.keys, by: ca };
const expired = await mint({ ...of, notBefore: NOW - 2 * DAY, notAfter: NOW - DAY });
const stranger = await mint({ ...of, subject: 'CN=gw-0002' });

interface There {
  /** Certificates beside the key, DER. */
  readonly beside?: readonly Buffer[];
  /** `chain.pem` */
  readonly published?: string;
  readonly extractable?: boolean;
  /** The label has objects, and no private key. */
  readonly isHalf?: true;
}

const rows: readonly (readonly [what: string, there: There, advice: RegExp])[] = [
  ['a key without a leaf', {}, DESTROY],
  ['its leaf beside it', { beside: [leaf.der] }, ADOPT],
  ['its leaf was published', { published: leaf.pem }, ADOPT],
  ['the newer of two leaves is valid', { beside: [expired.der], published: leaf.pem }, ADOPT],
  ['the leaf of another key was published', { published: ca.pem }, DESTROY],
  ['what was published is damaged', { published: leaf.pem.slice(0, 99), beside: [leaf.der] }, ADOPT],
  ['its leaf has expired', { beside: [expired.der] }, DESTROY],
  ['its leaf is for another gateway', { beside: [stranger.der] }, DESTROY],
  ['a key that could be read', { extractable: true }, KEEP],
  ['half a key pair', { isHalf: true }, KEEP],
];

for (const [what, { beside = [], published, extractable = false, isHalf }, advice] of rows) {
  test(`in the place of the first key: ${what}`, async (t) => {
    const directory = scratch(t);
    if (published !== undefined) writeFileSync(join(directory, 'chain.pem'), published);
    const key = { label: 'newleaf-a', id: '01', spki: leaf.spki, keyType: 'ec-p256' } as const;
    const protection = { ...whole, extractable, neverExtractable: !extractable };
    const token = {
      find: async () => (isHalf ? undefined : key),
      generations: async () => [{ id: '01', ...(isHalf ? {} : { protection }) }],
      certificates: async () => beside,
    };
    const told = await clearing({ token, registrationId: 'gw-0001', directory, now: NOW }, 'newleaf-a');
    assert.match(told.advice, advice);
  });
}
