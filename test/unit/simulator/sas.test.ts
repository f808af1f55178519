import assert from 'node:assert/strict';
import { test } from 'node:test';
import common from 'azure-iot-common';
import { sasRefusal } from '../../simulator/rest/sas.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const HOUR = 3_600;
const access = { host: 'dps.example', policy: 'owner', key: Buffer.from('a key of the owner').toString('base64') };
const otherKey = Buffer.from('another key').toString('base64');

const signed = (given: Partial<typeof access> = {}, seconds = HOUR): string => {
  const { host, policy, key } = { ...access, ...given };
  return common.SharedAccessSignature.create(host, policy, key, NOW / 1_000 + seconds).toString();
};

const rows: readonly (readonly [what: string, token: string | undefined, refused?: RegExp])[] = [
  ['as the official library signs it', signed()],
  ['an encoded resource', signed().replace('sr=dps.example', 'sr=dps%2Eexample'), /signature is wrong/],
  ['nothing at all', undefined, /no shared access signature/],
  ['a token of another kind', 'Bearer abc', /no shared access signature/],
  ['another host', signed({ host: 'hub.example' }), /signed for hub.example/],
  ['another policy', signed({ policy: 'reader' }), /no policy "reader"/],
  ['another key', signed({ key: otherKey }), /signature is wrong/],
  ['a signature cut short', signed().replace(/sig=[^&]+/, 'sig=AAAA'), /signature is wrong/],
  ['a signature that cannot be decoded', signed().replace(/sig=[^&]+/, 'sig=%E0%A4%A'), /signature is wrong/],
  ['a later end than was signed', signed().replace(/se=\d+/, `se=${NOW / 1_000 + 2 * HOUR}`), /signature is wrong/],
  ['one that has ended', signed({}, -1), /has expired/],
];
for (const [what, authorization, refused] of rows) {
  test(`${what}: ${refused === undefined ? 'let in' : 'refused'}`, () => {
    const said = sasRefusal(authorization, access, NOW);
    refused === undefined ? assert.equal(said, undefined) : assert.match(said ?? 'let in', refused);
  });
}
