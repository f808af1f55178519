import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proposeProxy } from '../../../../agent/cli/init/identity.ts';
import { scene } from './stage.ts';

const SECRET =
  /HTTPS_PROXY of the environment is not taken\. .* --proxy, and those with --proxy-user and --proxy-password-file/;
const OTHER = /HTTPS_PROXY of the environment is not taken\. It must be .* --proxy, if there is one\.$/;

const rows: readonly (readonly [
  written: string | undefined,
  taken: string | undefined,
  refusal: RegExp | undefined,
])[] = [
  [undefined, undefined, undefined],
  ['', undefined, undefined],
  ['http://127.0.0.1:3128', 'http://127.0.0.1:3128', undefined],
  ['127.0.0.1:3128', 'http://127.0.0.1:3128', undefined],
  ['proxy.example:3128', 'http://proxy.example:3128', undefined],
  ['[::1]:3128', 'http://[::1]:3128', undefined],
  ['https://proxy.example:3128', undefined, OTHER],
  ['nonsense', undefined, OTHER],
  ['socks5://127.0.0.1:1080', undefined, OTHER],
  ['http://u:c2VjcmV0@127.0.0.1:3128', undefined, SECRET],
  ['u:c2VjcmV0@127.0.0.1:3128', undefined, SECRET],
];

for (const [written, taken, refusal] of rows) {
  test(`HTTPS_PROXY=${written}`, (t) => {
    const { guide, paper } = scene();
    proposeProxy(guide, written === undefined ? {} : { HTTPS_PROXY: written });
    assert.equal(guide.flags.get('proxy'), taken);
    const said = paper.text.replaceAll(/\s+/g, ' ').trim();
    if (refusal === undefined) return assert.equal(said, taken ? `The proxy ${taken} is taken from HTTPS_PROXY.` : '');
    assert.match(said, refusal);
    assert.doesNotMatch(said, /c2VjcmV0/);
    t.diagnostic(said);
  });
}

test('it is said on the screen, unless another proxy is named', () => {
  for (const [flags, configured, isSaid] of [
    [{}, {}, true],
    [{ proxy: 'http://other:1' }, {}, false],
    [{}, { 'network.proxy': 'http://other:1' }, false],
  ] as const) {
    const { guide, paper } = scene({ flags, configured });
    proposeProxy(guide, { HTTPS_PROXY: 'nonsense' });
    assert.equal(paper.text.includes('HTTPS_PROXY'), isSaid);
  }
});
