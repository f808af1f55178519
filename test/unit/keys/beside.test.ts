import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificatesOf } from '../../../agent/certificate/pem.ts';
import { storesBeside } from '../../../agent/keys/beside.ts';
import type { Leaf } from '../../../agent/roll/leaf.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import { mintCa } from '../certificate/mint.ts';

const { pem: chain } = await mintCa();
const [der = assert.fail()] = certificatesOf(chain);
const found: PublicKey = { label: 'newleaf-a', id: 'f0', spki: Buffer.alloc(0), keyType: 'ec-p256' };
const leafIn = (slot: Leaf['key']['slot']) => ({ key: { slot, id: 'f0' }, chain }) as Leaf;
const serving = { phase: 'serving', online: 'hub' } as const;

interface Played {
  /** Certificates that the token shows. */
  readonly there?: readonly Buffer[];
  readonly store?: () => Promise<boolean>;
  readonly destroy?: () => Promise<void>;
}

function stage({ there = [], store = async () => false, destroy = async () => {} }: Played = {}) {
  const did: string[] = [];
  let now = 0;
  const note = ({ event }: { readonly event: string }) => void did.push(event);
  const follow = storesBeside({
    token: {
      name: { label: 'newleaf', serial: '', manufacturer: '', model: '' },
      findById: async () => found,
      certificates: async () => there,
    },
    apart: {
      storeCertificate() {
        did.push('stored');
        return store();
      },
    },
    async destroy(label, id, but) {
      did.push(`${der.equals(but) ? 'others' : 'it'} of ${label} ${id} destroyed`);
      return destroy();
    },
    log: { error: note, warn: note, info: note, debug: () => {} },
    clock: { monotonic: () => now },
  });
  const pass = (ms: number) => {
    now += ms;
  };
  return { did, follow, pass };
}

for (const [what, slot, played, told] of [
  ['a new key', 'a', {}, ['stored']],
  ['a key that has had another', 'a', { store: async () => true }, ['stored', 'others of newleaf-a f0 destroyed']],
  ['a key that has it already', 'a', { there: [der] }, []],
  ['a key that has two, as a power cut left them', 'a', { there: [der, Buffer.of(1)] }, ['stored']],
  ["the factory's key", 'given', {}, []],
] as const) {
  test(`the certificate of a leaf with ${what}: ${told.join(', ') || 'nothing'}`, async () => {
    const { did, follow } = stage(played);
    await follow({ ...serving, current: leafIn(slot) });
    assert.deepEqual(did, told);
  });
}

test('it comes last: once the leaf serves, and no key is to be destroyed; and once', async () => {
  const { did, follow } = stage();
  const current = leafIn('a');
  await follow({ phase: 'serving', current });
  await follow({ ...serving, phase: 'retiring-key', current });
  assert.deepEqual(did, []);
  for (let times = 0; times < 3; times += 1) await follow({ ...serving, current });
  assert.deepEqual(did, ['stored']);
});

test('a token without room for it is no loss, nor one that does not destroy the certificate before', async () => {
  const fail = () => Promise.reject(new Error('CKR_DEVICE_MEMORY'));
  for (const played of [{ store: fail }, { store: async () => true, destroy: fail }]) {
    const { did, follow } = stage(played);
    await follow({ ...serving, current: leafIn('a') });
    assert.equal(did.at(-1), 'certificate-unstored');
  }
});

test('what the token did not store is offered again after a minute, then ever less often, and a day is the most', async () => {
  const { did, follow, pass } = stage({ store: () => Promise.reject(new Error('CKR_GENERAL_ERROR')) });
  const current = leafIn('a');
  for (const [minutes, times] of [
    [0, 1],
    [0.5, 1],
    [1, 2],
    [7, 2],
    [2, 3],
    [24 * 60, 4],
    [24 * 60, 5],
  ] as const) {
    pass(minutes * 60_000);
    await follow({ ...serving, current });
    assert.equal(did.filter((one) => one === 'stored').length, times);
  }
});
