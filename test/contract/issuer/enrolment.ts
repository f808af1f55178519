import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { verify } from '../../../agent/certificate/verify.ts';
import { type Failure, Fault } from '../../../agent/failure/failure.ts';
import { createEst, type EstSettings } from '../../../agent/issuer/est.ts';
import { connectorOf } from '../../../hsm/connector.ts';
import { armored } from '../../unit/certificate/deliver.ts';
import { DAY, ec, type Minted, mint, mintCa, privateKeyPem, request, spkiOf } from '../../unit/certificate/mint.ts';
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

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof Fault, `threw ${error}`);
    return error.failure;
  }
  return assert.fail('it was issued');
}

const refusal = (delivered: string): Promise<Failure> => failureOf(Promise.resolve(delivered).then(verified));

test('simpleenroll with Basic gives a leaf that fulfils everything', async () => {
  const { leaf, notes } = verified(await enrol(basic()));
  assert.equal(leaf.issuer, 'Libest CA');
  assert.equal(leaf.chain.match(/BEGIN/g)?.length, 1, 'the root is not sent');
  assert.deepEqual(notes, []);
});

test('a wrong password is NL-EST-AUTH', async () => {
  assert.equal((await failureOf(enrol(basic('wrong')))).code, 'NL-EST-AUTH');
});

test('simplereenroll by mutual TLS, on a server that knows no passwords', async () => {
  const first = { keys, pem: verified(await enrol(basic())).leaf.chain };
  const certificatesOnly = await libest.start('-n');
  const { leaf } = verified(await enrol({ ...byLeaf({ ...libest.ca, ...first }), url: certificatesOnly }));
  assert.equal(leaf.cn, 'gw-0001');
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

test('a CA that lets a person decide: 202 first, the leaf later', async () => {
  const settings = { ...basic(), url: await libest.start('-o', '-m', '1') };
  const { code, retryAfterMs } = await failureOf(enrol(settings));
  assert.deepEqual({ code, retryAfterMs }, { code: 'NL-EST-WAIT', retryAfterMs: 3_600_000 });
  let delivered: string | undefined;
  for (const start = Date.now(); delivered === undefined && Date.now() - start < 10_000; await pause(100)) {
    delivered = await enrol(settings).catch(() => undefined);
  }
  assert.equal(verified(delivered ?? '').leaf.cn, 'gw-0001');
});

test('garbage instead of a request is NL-EST-REFUSED', async () => {
  const garbage = armored('CERTIFICATE REQUEST', Buffer.from('no request at all'));
  assert.equal((await failureOf(enrol(basic(), garbage))).code, 'NL-EST-REFUSED');
});

test('a CA that drops the CN: NL-LEAF-CN', async () => {
  libest.policy = { dropCn: true };
  const { code, message } = await refusal(await enrol(basic()));
  assert.equal(code, 'NL-LEAF-CN');
  assert.match(message, /"gw-0001"; delivered was no CN/);
});

test('libest signs any CN for any client, so newleaf has to look: NL-LEAF-CN', async () => {
  const current = await mint({ by: libest.ca, ...lifetime() });
  const { code } = await refusal(await enrol(byLeaf(current), await request('CN=gw-9999', keys)));
  assert.equal(code, 'NL-LEAF-CN');
});

test('a CA that issues server certificates: NL-LEAF-EKU', async () => {
  libest.policy = { eku: 'serverAuth' };
  assert.equal((await refusal(await enrol(basic()))).code, 'NL-LEAF-EKU');
});

test('a CA that issues what ends at once: NL-LEAF-VALIDITY', async () => {
  libest.policy = { end: utcTime(Date.now() + 30_000) };
  assert.equal((await refusal(await enrol(basic()))).code, 'NL-LEAF-VALIDITY');
});

const utcTime = (moment: number): string => `${new Date(moment).toISOString().replace(/\D/g, '').slice(2, 14)}Z`;
