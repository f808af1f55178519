import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { FaultName, FaultOptions } from '../../simulator/faults.ts';
import { DEFAULT_SWITCHES, type Switches } from '../../simulator/switches.ts';
import { holds } from '../stage/holds.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { type AzureServing, azureServing, nextHour } from './site.ts';

/** What one question for a leaf meets; without a code it brings one all the same. */
interface Row {
  readonly what: string;
  readonly fault?: readonly [name: FaultName, options?: FaultOptions];
  readonly set?: Partial<Switches>;
  readonly code?: string;
  /** Words of Azure that `status` tells. */
  readonly says?: RegExp;
}

const status = (status: number, code: number, retryAfter?: string): NonNullable<Row['fault']> => [
  'credentials-status',
  { status, code, message: `words of ${code}`, ...(retryAfter !== undefined && { retryAfter }) },
];

/** The error table of the hub: api 2025-08-01-preview, and the test run of Microsoft. */
const HUB: readonly Row[] = [
  { what: '400001', fault: status(400, 400001), code: 'NL-AZURE-REFUSED', says: /status 400, 400001.*words of 400001/ },
  { what: '400004', fault: status(400, 400004), code: 'NL-AZURE-REFUSED', says: /400004/ },
  { what: '400006', fault: status(400, 400006), code: 'NL-AZURE-REFUSED', says: /400006/ },
  { what: '400040', set: { leafKeys: 'p384' }, code: 'NL-AZURE-REFUSED', says: /400040/ },
  {
    what: '400037',
    set: { leafKeys: 'p384', renewalCodes: 'live-run' },
    code: 'NL-AZURE-REFUSED',
    says: /400037.*400000/,
  },
  {
    what: '400037 at once',
    set: { leafKeys: 'p384', renewalCodes: 'live-run', csrRefusalAtHub: 'at-once' },
    code: 'NL-AZURE-REFUSED',
    says: /400037/,
  },
  { what: '409005, and nothing that is active', fault: status(409, 409005), code: 'NL-AZURE-BUSY', says: /active/ },
  { what: '409004, and nothing that is active', fault: status(409, 409004), code: 'NL-AZURE-BUSY', says: /active/ },
  { what: '412001', fault: status(412, 412001), code: 'NL-AZURE-BUSY' },
  { what: '429002', fault: status(429, 429002, '7'), code: 'NL-AZURE-BUSY', says: /429002/ },
  { what: '429003', fault: status(429, 429003), code: 'NL-AZURE-BUSY', says: /429003/ },
  { what: '503001', fault: status(503, 503001), code: 'NL-AZURE-BUSY', says: /503001/ },
  { what: '500001', fault: status(500, 500001), code: 'NL-AZURE-BUSY', says: /500001/ },
  {
    what: '500001 after the 202',
    fault: ['issue-failed', { status: 500, code: 500001 }],
    code: 'NL-AZURE-BUSY',
    says: /500001/,
  },
  { what: 'the session ends', fault: ['credentials-close'], code: 'NL-AZURE-SILENT' },
  { what: 'a leaf of another key', fault: ['issue-key'], code: 'NL-LEAF-KEY' },
  { what: 'a leaf of another CN', fault: ['issue-cn', { cn: 'gw-0002' }], code: 'NL-LEAF-CN', says: /gw-0002/ },
  { what: 'a leaf that has expired', fault: ['issue-lifetime', { ms: -1_000 }], code: 'NL-LEAF-VALIDITY' },
  { what: 'no 202', fault: ['no-202'] },
  { what: 'a slow 202', fault: ['slow-202', { ms: 300 }] },
  { what: 'a slow 200', fault: ['slow-issue', { ms: 300 }] },
  { what: 'a 200 for another request', fault: ['stray-200'] },
  { what: 'the 200 twice', fault: ['duplicate-200'] },
  { what: 'an array', set: { renewalBody: 'array' } },
  { what: 'the root first', set: { issuedChain: 'root-first' } },
  { what: 'no root', set: { issuedChain: 'leaf-ica' } },
  { what: 'topics of a document', set: { renewalTopic: 'plain' } },
  { what: 'topics with a version', set: { renewalTopic: 'rid-and-version' } },
  { what: 'QoS 0', set: { renewalQos: 'zero' } },
];

/** What DPS says. */
const DPS: readonly Row[] = [
  { what: '400004', set: { leafKeys: 'p384' }, code: 'NL-DPS-OTHER', says: /400/ },
  { what: 'an operation that fails', set: { leafKeys: 'p384', csrRefusalAtDps: 'failed' }, code: 'NL-DPS-ALLOCATION' },
  { what: '403000', fault: ['register-status', { status: 403, code: 403000 }], code: 'NL-DPS-OTHER', says: /403000/ },
  { what: '429', fault: ['register-status', { status: 429 }], code: 'NL-DPS-THROTTLED' },
  { what: '500', fault: ['register-status', { status: 500 }], code: 'NL-DPS-SERVER' },
  { what: 'a leaf of another key', fault: ['issue-key'], code: 'NL-LEAF-KEY' },
  { what: 'a leaf of another CN', fault: ['issue-cn', { cn: 'gw-0002' }], code: 'NL-LEAF-CN' },
  { what: 'a leaf that has expired', fault: ['issue-lifetime', { ms: -1_000 }], code: 'NL-LEAF-VALIDITY' },
  { what: 'a hub of MQTT 5', set: { connectionProfile: 'mqttV5' }, code: 'NL-AZURE-MQTT5', says: /mqttV5/ },
  { what: 'the root first', set: { issuedChain: 'root-first' } },
  { what: 'no root', set: { issuedChain: 'leaf-ica' } },
];

/** What Azure says is told while it lasts, costs no session and no key, and ends with the fault. */
async function plays({ far, gateway }: AzureServing, server: 'hub1' | 'dps', row: Row): Promise<void> {
  const { fault, set, code, says } = row;
  const before = await gateway.settled();
  const keys = gateway.token.privateKeys();
  await nextHour(gateway);
  if (fault) await far.lay(server, ...fault);
  const usual =
    set && Object.fromEntries(Object.keys(set).map((name) => [name, DEFAULT_SWITCHES[name as keyof Switches]]));
  if (set) await far.set(set);
  const since = gateway.log.lines.length;
  assert.equal((await gateway.post('/v1/roll')).status, 202);
  if (code !== undefined) {
    await gateway.log.waitFor({ event: 'failed', code }, { since, timeoutMs: PATIENCE_MS });
    const told = await gateway.until(({ wrong }) => wrong.some((one) => one.code === code));
    const { message = '', cause = '' } = told.wrong.find((one) => one.code === code) ?? {};
    if (says) assert.match(`${message} ${cause}`, says);
    holds(told, { leaf: { thumbprint: before.leaf?.thumbprint } });
    assert.ok(gateway.token.privateKeys().length <= 3, 'two keys, and the factory key');
    if (fault) await far.lift(server, fault[0]);
    if (usual) await far.set(usual);
    const rolls = async () => (await gateway.command('roll', '--wait')).code;
    // On a busy machine the first one joins an attempt that met the fault, and is ended while it waits for the ladder.
    assert.equal((await rolls()) ?? (await rolls()), 0);
  }
  const after = await gateway.until(({ phase, online, request, leaf }) => {
    const isOther = leaf?.thumbprint !== before.leaf?.thumbprint;
    return isOther && online && phase === 'serving' && request === undefined;
  });
  if (fault) await far.lift(server, fault[0]);
  if (usual) await far.set(usual);
  assert.deepEqual(after.wrong, []);
  assert.equal(gateway.token.privateKeys().length, keys.length);
}

const walk =
  (server: 'hub1' | 'dps', rows: readonly Row[], settings: Record<string, string>) => async (t: TestContext) => {
    const at = await azureServing(t, { settings });
    for (const row of rows) await t.test(row.what, () => plays(at, server, row));
  };

describe('what Azure says to a question for a leaf', { concurrency: true }, () => {
  // That a CA refuses it is one of the rows.
  const keys = { 'leaf.key_type': '"ec-p256"' };
  test('the hub', walk('hub1', HUB, keys));
  test('DPS', walk('dps', DPS, { ...keys, 'issuer.azure.hub_api_version': '"2021-04-12"' }));
});
