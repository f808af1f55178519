import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { verify } from '../../../agent/certificate/verify.ts';
import { createEst, type EstSettings } from '../../../agent/issuer/est.ts';
import { connectorOf } from '../../../hsm/connector.ts';
import { DAY, ec, type Minted, mint, mintCa, privateKeyPem, request, spkiOf } from '../../unit/certificate/mint.ts';
import { failureOf } from '../../unit/issuer/script.ts';
import { Libest, lifetime } from './libest.ts';

let libest: Libest;
/** Takes a client certificate or HTTP Basic. */
let url: string;

before(async () => {
  libest = await Libest.create();
  url = await libest.start('-o');
});
beforeEach(() => {
  libest.policy = {};
});
after(() => libest.stop());

const keys = await ec();
const csr = await request('CN=gw-0001', keys);

const basic = (password = 'estpwd'): Partial<EstSettings> => {
  writeFileSync(libest.passwordFile, `${password}\n`);
  return { username: 'estuser', passwordFile: libest.passwordFile };
};

const byLeaf = (leaf: Minted): Partial<EstSettings> => ({
  clientConnector: async (ca) =>
    connectorOf(createSecureContext({ ca, cert: leaf.pem, key: privateKeyPem(leaf.keys) })),
});

function enrol(settings: Partial<EstSettings>, csrPem = csr): Promise<string> {
  const est = createEst({
    url,
    caFile: libest.caFile,
    now: Date.now,
    deadlineMs: 10_000,
    maxBytes: 65_536,
    ...settings,
  });
  return est.issue(csrPem, new AbortController().signal);
}

const verified = (delivered: string) =>
  verify(delivered, {
    key: { slot: 'a', id: '0a' },
    spki: spkiOf(keys),
    cn: 'gw-0001',
    now: Date.now(),
    renewAt: ({ notBefore, notAfter }) => notBefore + (notAfter - notBefore) * 0.66,
  });

test('simpleenroll with Basic gives a leaf that fulfils everything', async () => {
  const { leaf, notes } = verified(await enrol(basic()));
  assert.equal(leaf.issuer, 'Libest CA');
  assert.equal(leaf.chain.match(/BEGIN/g)?.length, 1, 'the root is not sent');
  assert.deepEqual(notes, []);
});

test('a wrong password is NL-EST-AUTH', async () => {
  assert.equal((await failureOf(enrol(basic('wrong')))).code, 'NL-EST-AUTH');
});

const refusedLeaves: [string, () => Promise<Minted>][] = [
  ['expired', () => mint({ by: libest.ca, notBefore: Date.now() - 30 * DAY, notAfter: Date.now() - DAY })],
  ['of another CA', async () => mint({ by: await mintCa({ subject: 'CN=Stranger', ...lifetime() }), ...lifetime() })],
];

for (const [what, leaf] of refusedLeaves) {
  test(`a current leaf that is ${what} dies in TLS: NL-EST-AUTH, or Basic where there is one`, async () => {
    const settings = byLeaf(await leaf());
    const { code, message } = await failureOf(enrol(settings));
    assert.equal(code, 'NL-EST-AUTH');
    assert.match(message, /TLS handshake/);
    assert.equal(verified(await enrol({ ...settings, ...basic() })).leaf.cn, 'gw-0001');
  });
}

test('libest signs any CN for any client, so newleaf has to look: NL-LEAF-CN', async () => {
  const current = await mint({ by: libest.ca, ...lifetime() });
  const delivered = enrol(byLeaf(current), await request('CN=gw-9999', keys));
  const { code } = await failureOf(delivered.then(verified));
  assert.equal(code, 'NL-LEAF-CN');
});
