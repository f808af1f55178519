import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Lasting } from '../../../scripts/screens/lasting.ts';

const AT = Date.parse('2027-03-04T05:06:07.890Z');

describe('screens look the same whenever they are taken', () => {
  const rows: readonly (readonly [text: string, shown: RegExp])[] = [
    ['localhost:43210 at port 43210', /^localhost:50001 at port 50001$/],
    ['2027-03-04 05:06:01 UTC', /^2026-11-25 13:49:53 UTC$/],
    ['expires in 60 days (2027-05-03 05:06)', /^expires in 60 days \(2027-01-24 13:49\)$/],
    ['valid until 2027-05-03T05:06:00.000Z', /^valid until 2027-01-24T13:49:53\.000Z$/],
    ['again in 4 min (2027-03-04 05:11)', /^again in 5 min \(2026-11-25 13:54\)$/],
    ['again in 55 min (2027-03-04 06:01)', /^again in 58 min \(2026-11-25 14:47\)$/],
    ['ended 3 s ago', /^ended now$/],
    ['Accepted as mwwek3v3-bs3k.', /^Accepted as [0-9a-f]{8}-[0-9a-f]{4}\.$/],
    ['roll newleaf-mwwejze9, to', /^roll newleaf-[0-9a-f]{8}, to$/],
    ['id b1134e8e750c7214c687b1e8dfda2fdc', /^id (?!b1134e8e)[0-9a-f]{32}$/],
    [
      'tracking ID c7bbe1a0-96fc-4ae9-9668-8aa38e2273a3',
      /^tracking ID (?!c7bbe1a0)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    ],
    ['room for 11.8 GiB and 3085447\n files', /^room for 10\.0 GiB and 1000000\n files$/],
    ['  0.04 s  key made\n  0.47 s  done', /^ {2}0\.10 s {2}key made\n {2}0\.12 s {2}done$/],
    ['newleaf status --json, TLSv1.3, 127.0.0.1', /^newleaf status --json, TLSv1\.3, 127\.0\.0\.1$/],
  ];
  for (const [text, shown] of rows) {
    test(text.replaceAll('\n', ' '), () =>
      assert.match(new Lasting({ '43210': '50001' }).of(text, AT, ['0.10']), shown),
    );
  }

  test('what is the same stays the same: a thumbprint in one piece, and in groups', () => {
    const lasting = new Lasting({});
    const thumbprint = 'CDD6DA76278C2B4E50B9925B9FD3CA6AAA3B61F69CDE69DA2A408C8E653A583E';
    const groups = thumbprint.match(/.{4}/g) ?? [];
    const rows = [groups.slice(0, 8).join(' '), groups.slice(8).join(' ')];
    const whole = lasting.of(thumbprint, AT);
    assert.notEqual(whole, thumbprint);
    const shown = lasting.of(`  Thumbprint   ${rows.join('\n               ')}`, AT);
    assert.match(shown, /^ {2}Thumbprint {3}(\w{4} ){7}\w{4}\n {15}(\w{4} ){7}\w{4}$/);
    assert.equal(shown.replaceAll(/Thumbprint|\s/g, ''), whole);
    assert.notEqual(lasting.of('0'.repeat(64), AT), whole);
  });
});
