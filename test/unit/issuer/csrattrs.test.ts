import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basic, issueFrom, type Script, serve, status } from './est-server.ts';
import { failureOf } from './script.ts';

/** SEQUENCE { challengePassword, SEQUENCE { ecPublicKey, SET { P-384 } }, SHA-384 with ECDSA, 1.2.3 } */
const ATTRIBUTES = Buffer.from(
  '302d06092a864886f70d010907301206072a8648ce3d0201310706052b8104002206082a8648ce3d04030306022a03',
  'hex',
);

const refusing =
  (attributes: Script): Script =>
  (response, seen) =>
    seen.line.endsWith('/csrattrs') ? attributes(response, seen) : status(400, {}, 'no')(response, seen);

const rows: readonly (readonly [name: string, attributes: Script, told: RegExp])[] = [
  [
    'what it wants is told',
    status(200, {}, ATTRIBUTES.toString('base64')),
    /Its \/csrattrs ask for: challengePassword \(.*\), an EC key, curve P-384 \(leaf.key_type = "ec-p384"\), .*SHA-384, 1\.2\.3\.$/,
  ],
  ['nothing special', status(204), /^(?!.*csrattrs)/],
  ['no such resource', status(404), /^(?!.*csrattrs)/],
  ['garbage', status(200, {}, 'garbage'), /^(?!.*csrattrs)/],
  ['another structure', status(200, {}, 'AgEB'), /^(?!.*csrattrs)/],
  ['a connection that ends', (response) => void response.destroy(), /^(?!.*csrattrs)/],
];

for (const [name, attributes, told] of rows) {
  test(`a refusal, and then: ${name}`, async (t) => {
    const est = await serve(t, refusing(attributes));
    const { code, message } = await failureOf(issueFrom(t, est, basic(t)));
    assert.equal(code, 'NL-EST-REFUSED');
    assert.match(message, told);
  });
}
