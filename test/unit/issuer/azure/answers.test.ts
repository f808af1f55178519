import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificatesOf } from '../../../../agent/certificate/pem.ts';
import { Fault } from '../../../../agent/failure/failure.ts';
import { type HubAnswer, readAnswer, requestId } from '../../../../agent/issuer/azure/answers.ts';
import { issuedIn } from '../../../../agent/issuer/azure/issued.ts';
import { mint, mintCa } from '../../certificate/mint.ts';

const root = await mintCa();
const ica = await mintCa({ subject: 'CN=ICA', by: root });
const leaf = await mint({ by: ica });
const base64 = [leaf, ica, root].map(({ der }) => der.toString('base64'));

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    assert(error instanceof Fault);
    return error.failure.code;
  }
};

for (const length of [1, 2, 3]) {
  test(`a chain of ${length}, in the order given`, () => {
    const pem = issuedIn(base64.slice(0, length), 'DPS');
    assert.deepEqual(certificatesOf(pem), [leaf, ica, root].map(({ der }) => der).slice(0, length));
  });
}

test('certificates as PEM within the base64, as a report of the service has them', () => {
  const chain = [leaf, ica].map(({ pem }) => Buffer.from(pem).toString('base64'));
  assert.deepEqual(certificatesOf(issuedIn(chain, 'DPS')), [leaf.der, ica.der]);
});

const CHAINS: readonly (readonly [string, unknown, string])[] = [
  ['absent', undefined, 'NL-AZURE-POLICY'],
  ['null', null, 'NL-AZURE-POLICY'],
  ['empty', [], 'NL-AZURE-POLICY'],
  ['a text', base64[0], 'NL-AZURE-BODY'],
  ['an object', {}, 'NL-AZURE-BODY'],
  ['of no text', [7], 'NL-AZURE-BODY'],
  ['of no certificate', ['AAAA'], 'NL-AZURE-BODY'],
  ['with a hole', [base64[0], null], 'NL-AZURE-BODY'],
];
for (const [what, chain, code] of CHAINS) {
  test(`a chain that is ${what}: ${code}`, () =>
    assert.equal(
      codeOf(() => issuedIn(chain, 'DPS')),
      code,
    ));
}

test('a hub that sends no certificates is no enrollment without a policy', () => {
  assert.equal(
    codeOf(() => issuedIn(undefined, 'hub')),
    'NL-AZURE-BODY',
  );
});

const shown = (answer: HubAnswer | undefined): unknown => {
  if (answer?.is === 'failed') {
    const { code, retryAfterMs } = answer.fault.failure;
    return retryAfterMs === undefined ? code : [code, retryAfterMs];
  }
  if (answer?.is === 'issued') return certificatesOf(answer.chain).length;
  return answer?.is === 'active' ? ['active', answer.request] : answer?.is;
};

const ANSWERS: readonly (readonly [number, unknown, unknown])[] = [
  [202, { correlationId: 'c', operationExpires: '2030-01-31T12:52:20.565000000Z' }, 'accepted'],
  [200, { correlationId: 'c', certificates: base64 }, 3],
  [200, base64.slice(0, 2), 2],
  [200, {}, 'NL-AZURE-BODY'],
  [200, 'nonsense', 'NL-AZURE-BODY'],
  [400, { errorCode: 400040, info: { credentialError: 'FailedToDecodeCsr' } }, 'NL-AZURE-REFUSED'],
  [400, { errorCode: 400037, info: { credentialError: '400000' } }, 'NL-AZURE-REFUSED'],
  [400, { errorCode: 400004 }, 'NL-AZURE-REFUSED'],
  [401, undefined, 'NL-AZURE-REFUSED'],
  [403, {}, 'NL-AZURE-REFUSED'],
  [404, {}, 'unoffered'],
  [501, {}, 'unoffered'],
  [409, { errorCode: 409005, info: { requestId: 'of-another' } }, ['active', 'of-another']],
  [409, { errorCode: 409004, info: null }, ['active', undefined]],
  [409, { info: { requestId: '#' } }, ['active', undefined]],
  [412, { errorCode: 412001 }, 'nothing'],
  [429, { errorCode: 429002, retryAfter: 7 }, ['NL-AZURE-BUSY', 7_000]],
  [503, { retryAfter: 1e9 }, ['NL-AZURE-BUSY', 86_400_000]],
  [429, { retryAfter: 'soon' }, 'NL-AZURE-BUSY'],
  [503, { errorCode: 503001 }, 'NL-AZURE-BUSY'],
  [500, null, 'NL-AZURE-BUSY'],
];
for (const [status, body, expected] of ANSWERS) {
  test(`${status} ${JSON.stringify(body)?.slice(0, 60)}`, () => {
    const read = readAnswer(`$iothub/credentials/res/${status}/?$rid=abcd`, Buffer.from(JSON.stringify(body) ?? ''));
    assert.equal(read?.request, 'abcd');
    assert.deepEqual(shown(read?.answer), expected);
  });
}

test('the words of Azure are kept', () => {
  const info = { credentialError: '400000', credentialMessage: 'CSR did not pass verification' };
  const body = { errorCode: 400037, trackingId: 't-1', message: 'Bad', info };
  const read = readAnswer('$iothub/credentials/res/400/?$rid=abcd', Buffer.from(JSON.stringify(body)));
  assert(read?.answer.is === 'failed');
  const words = 'status 400, 400037, tracking ID t-1, Bad, 400000, CSR did not pass verification';
  assert.equal(read.answer.fault.failure.cause, words);
});

for (const [topic, request] of [
  ['$iothub/credentials/res/202/?$rid=abcd&$version=1', 'abcd'],
  ['$iothub/credentials/res/202/?$version=1&$rid=abcd', 'abcd'],
  ['$iothub/credentials/res/202/abcd', 'abcd'],
  ['$iothub/credentials/res/202/?rid=abcd', undefined],
  ['$iothub/credentials/res/202/', undefined],
  ['$iothub/credentials/res/2022/?$rid=abcd', undefined],
  ['$iothub/twin/res/202/?$rid=abcd', undefined],
] as const) {
  test(topic, () => assert.equal(readAnswer(topic, Buffer.from('{}'))?.request, request));
}

test('a request has the same ID again, another leaf or another CSR another one, and a hub takes all of them', () => {
  const ids = [requestId('csr', 'AA'), requestId('csr', 'AA'), requestId('csr', 'BB'), requestId('other', 'AA')];
  assert.equal(new Set(ids).size, 3);
  for (const id of ids) assert.match(id, /^[A-Za-z0-9]([A-Za-z0-9-]{2,34})[A-Za-z0-9]$/);
});
