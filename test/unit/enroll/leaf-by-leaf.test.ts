import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { thumbprintOf } from '../../simulator/ca.ts';
import { staged } from './stage.ts';

const SITE = "tags.site = 'north'";
const ids = Array.from({ length: 12 }, (_, at) => `gw-${String(at + 1).padStart(2, '0')}`);
const promote = ['promote', '--job', SITE, '--from-device', '--yes', '--stop-after', '2'];
const waves = ['--first', '2', '--next', '25%', '--next', 'rest', '--pause', '10m'];
const hurried = { isHurried: true };

const office = await staged();
const leaves = new Map<string, { readonly old: ClientIdentity; readonly young: ClientIdentity }>();
/** Gateways that have not moved over to their new leaf. */
const onOld = new Set<string>();
/** How often each was called. */
const called: string[] = [];

const { simulator } = office;
for (const id of ids) {
  const [old, young] = [await simulator.clientIdentity(id), await simulator.clientIdentity(id)];
  leaves.set(id, { old, young });
  await simulator.enrollIndividual({ registrationId: id, primary: old.cert, secondary: young.cert });
  await simulator.writeDevice('hub1', id, young.thumbprint);
  simulator.registries.hub1.patchTags(id, { site: 'north' });
  simulator.stand('hub1', id, (method, payload) => {
    const leaf = onOld.has(id) ? old : young;
    if (method === 'leafStatus') return { status: 200, payload: { registrationId: id, leaf: { pem: leaf.cert } } };
    const { id: request } = payload as { readonly id: string };
    called.push(`${id} ${request}`);
    const last = { id: request, action: 'register', outcome: 'done', at: new Date().toISOString() };
    simulator.registries.hub1.patchReported(id, { newleaf: { last, leaf: { thumbprint: leaf.thumbprint } } });
    return { status: 202, payload: { id: request } };
  });
}

/** Those whose enrollment has its new leaf alone. */
const promoted = (): string[] =>
  ids.filter((id) => {
    const { primary, secondary } = office.simulator.enrollments.get(id);
    const isNew = primary !== undefined && thumbprintOf(primary) === leaves.get(id)?.young.thumbprint;
    return isNew && secondary === undefined;
  });

test('individual enrollments are promoted in waves; one that is not on its new leaf is left out, and stops them', async () => {
  const dry = await office.enroll([...promote, ...waves, '--dry-run']);
  assert.match(dry.out, /^promote, and reprovision \(register\) of 12 devices, in waves: 2, 3, rest\nThe first: gw-/);
  const first = dry.out.match(/gw-\d\d/g) ?? [];
  assert.deepEqual([promoted(), called], [[], []]);
  for (const id of first) onOld.add(id);
  const wrong = await office.enroll([...promote, ...waves], hurried);
  assert.match(
    wrong.out,
    /^promote, .*\nStopped in wave 1 of 3: 2 of 2 that were asked are not well \(--stop-after 2\)\.\n/,
  );
  assert.match(wrong.out, /\nEnded otherwise:\n {5}2 {2}The device uses another leaf\.\n/);
  assert.match(wrong.out, /\nNo device was called\. To begin again, repeat the command\.\n/);
  assert.match(wrong.out, /\n10 devices of 12 not asked\.\n$/);
  assert.deepEqual([wrong.code, promoted(), called], [1, [], []]);
});

test('one of a wave is left out: the others are promoted, proven and followed by the next ones, by another operator', async () => {
  const [one = ''] = onOld;
  onOld.clear();
  onOld.add(one);
  const begun = await office.enroll([...promote, ...waves], { ...hurried, interruptAt: 'wave 1 of 3: proven; pause' });
  const [id = ''] = /enroll-register-ana-\w+/.exec(begun.out) ?? [];
  assert.equal(promoted().length, 1);
  const { simulator } = office;
  await simulator.lay('dps', 'rest-status', { status: 503, times: 6 });
  onOld.clear();
  const ben = { ...office.env, NEWLEAF_OPERATOR: 'ben', XDG_STATE_HOME: join(office.directory, 'ben') };
  const both = await Promise.all([
    office.enroll(['reprovision', '--resume', id], hurried),
    office.second(['reprovision', '--resume', id], { ...hurried, env: ben }),
  ]);
  for (const { out, err, code } of both) {
    assert.match(out, /^12 devices proven of 12 in 3 waves\.\n$/, err);
    assert.equal(code, 0);
  }
  assert.deepEqual(promoted(), ids);
  assert.equal(new Set(called).size, called.length, 'none is called twice');
  const shown = await office.enroll(['show', 'job', id]);
  assert.match(shown.out, /\nIn waves 2 25% rest; of 12; .*; promote\n/);
});

test('--job says which devices: IDs beside it are refused', async () => {
  const { said, code } = await office.enroll(['promote', 'gw-01', ...promote.slice(1), ...waves]);
  assert.match(said, /--job says which devices, so leave IDs and --where out/);
  assert.equal(code, 2);
});
