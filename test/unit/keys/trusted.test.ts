import assert from 'node:assert/strict';
import childProcess from 'node:child_process';
import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FewAuthorities } from '../../../agent/keys/few-authorities.ts';
import { overToken, trustedConnectors } from '../../../agent/keys/trusted.ts';
import type { Leaf } from '../../../agent/roll/leaf.ts';
import type { Dps, Hub } from '../../../agent/roll/ports.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import type { TokenConnectors } from '../../../hsm/tls.ts';
import type { Token } from '../../../hsm/token.ts';
import { hub, leafOf, NOW } from '../roll/machine.ts';
import { scratch } from '../state/disk.ts';

const [current, candidate] = [leafOf('g0', 'a'), leafOf('g1', 'b')];
const lost = new TokenError('key', 'KEY_NOT_FOUND', 'There is no key.');
const vanished = new TokenError('poisoned', 'KEY_VANISHED', 'The key is no longer shown.');
const noContext = new TokenError('failed', 'CONTEXT', 'No TLS context: bad end line');
const failed = new TokenError('failed', 'CKR_DEVICE_ERROR', 'The token has a fault.');

/** Connectors of a gateway with this leaf; a connector is the key that it is made with. */
function stage(t: TestContext, leaf: Leaf | undefined, fault?: TokenError, isElsewhere: boolean | 'unknown' = false) {
  const directory = scratch(t);
  const caFile = join(directory, 'ca.pem');
  const few = Object.assign(new FewAuthorities(directory), { noting: <T>(connector: T) => connector });
  writeFileSync(caFile, '-----BEGIN CERTIFICATE-----\n');
  const said: string[] = [];
  const note = ({ event }: { readonly event: string }) => void said.push(event);
  const connector = async ({ id }: { readonly id: string }) => {
    if (fault !== undefined) throw fault;
    return id;
  };
  const trusted = trustedConnectors({
    token: {} as Token,
    apart: {
      async findById(id: string) {
        if (isElsewhere === 'unknown') throw failed;
        return isElsewhere ? { id, label: '', spki: Buffer.alloc(0), keyType: 'ec-p256' } : undefined;
      },
      forget: () => {},
    },
    connectors: { connector } as unknown as TokenConnectors,
    caFile,
    few,
    current: () => leaf,
    isLost: () => false,
    now: () => NOW,
    log: { error: note, warn: note, info: note, debug: note },
  });
  return { trusted, said };
}

/** The disk is synced as soon as the test says so. */
function syncs(t: TestContext) {
  const open: EventEmitter[] = [];
  const spawn = t.mock.method(childProcess, 'spawn', () => {
    const child = new EventEmitter();
    open.push(child);
    return child;
  });
  syncBuiltinESMExports();
  t.after(() => {
    spawn.mock.restore();
    syncBuiltinESMExports();
  });
  const end = () => open.splice(0).map((child) => child.emit('exit', 0)).length;
  return { end };
}

test('a new key is on the disk before any server trusts it', async (t) => {
  const { end } = syncs(t);
  const { trusted } = stage(t, current);
  for (const made of ['by the process before', 'by this one', 'by this one again']) {
    if (made !== 'by the process before') trusted.wrote();
    let isMade = false;
    const first = trusted.forLeaf(candidate).finally(() => {
      isMade = true;
    });
    // What need not wait has its connector by then.
    for (let times = 0; times < 5; times += 1) await trusted.forLeaf(current);
    assert.deepEqual([isMade, end()], [false, 1], made);
    assert.deepEqual([await first, await trusted.forLeaf(candidate)], ['g1', 'g1']);
    assert.equal(end(), 0, 'once is enough');
  }
});

test('the session with the current leaf waits for no disk', async (t) => {
  const { end } = syncs(t);
  const { trusted } = stage(t, current);
  assert.deepEqual([await trusted.forLeaf(current), end()], ['g0', 0]);
});

const ISSUERS: readonly (readonly [what: string, Leaf | undefined, TokenError | undefined, shown: unknown])[] = [
  ['the current leaf', current, undefined, 'g0'],
  ['no leaf yet', undefined, undefined, undefined],
  ['a leaf that ends in this moment', { ...current, notAfter: NOW }, undefined, undefined],
  ['a leaf whose key is lost', current, lost, undefined],
  ['a leaf that is damaged', { ...current, chain: '-----BEGIN CERTIFICATE-----' }, noContext, undefined],
  ['a leaf whose key is lost while its session is open', current, vanished, undefined],
];
for (const [what, leaf, fault, shown] of ISSUERS) {
  test(`an issuer is shown ${shown === undefined ? 'nothing' : 'a leaf'}: ${what}`, async (t) => {
    const { trusted, said } = stage(t, leaf, fault);
    assert.equal(await trusted.forIssuer('ca'), shown);
    assert.deepEqual(said, fault === undefined ? [] : ['leaf-without-key']);
  });
}

test('a token that fails is no lost key: the credentials of the first enrolment are not spent on it', async (t) => {
  await assert.rejects(stage(t, current, failed).trusted.forIssuer('ca'), failed);
  for (const isElsewhere of [true, 'unknown'] as const)
    await assert.rejects(stage(t, current, vanished, isElsewhere).trusted.forIssuer('ca'), vanished);
});

test("an error of OpenSSL about the token is the token's, and any other is that of the far side", async (t) => {
  const spoke = Object.assign(new Error('no'), { library: 'PKCS#11 module', reason: 'Device error' });
  const far = new Error('The hub is away.');
  for (const [thrown, isOfToken] of [
    [spoke, true],
    [far, false],
  ] as const) {
    const fail = () => Promise.reject(thrown);
    const failing = { dps: { register: fail } as Dps, hub: { connect: fail } as unknown as Hub };
    const ports = overToken(failing, new FewAuthorities(scratch(t)));
    const abort = new AbortController().signal;
    for (const work of [ports.dps.register(current, abort), ports.hub.connect(current, hub, abort)]) {
      await assert.rejects(work, (error) => (isOfToken ? error instanceof TokenError : error === far));
    }
  }
});
