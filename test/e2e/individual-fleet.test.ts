import assert from 'node:assert/strict';
import { type ExecFileException, execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { thumbprintOf } from '../simulator/ca.ts';
import { Park } from './fleet/park.ts';

const SIZE = 20;
const LONG_MS = 120_000;
/** In the PATH of the operator: what is printed names the program as it was called. */
const SCRIPTS = join(import.meta.dirname, '..', '..', 'scripts');

const names = Array.from({ length: SIZE }, (_, at) => `truck-${String(at + 1).padStart(2, '0')}`);
/** Rolls, and loses its power before the operator asks it for its leaf. */
const OFF = 'truck-07';
/** Somebody has deleted its enrollment. */
const LOST = 'truck-13';
const SITE = "tags.site = 'north'";

test('twenty gateways with individual enrollments are rolled by four commands', async (t) => {
  const park = await Park.open(t, names, { site: 'north' });
  const { far, fleet, env } = park;
  const { enrollments } = far;
  const enroll = (...argv: string[]) =>
    new Promise<{ code: number; out: string }>((resolve) => {
      execFile(
        'enroll',
        [...argv, '--yes'],
        { env: { ...env, LC_ALL: 'C', PATH: `${SCRIPTS}:${process.env.PATH}` } },
        (error: ExecFileException | null, out, err) => {
          resolve({ code: Number(error?.code ?? 0), out: error?.code === 2 ? err : out });
        },
      );
    });
  const pair = (name: string) => {
    const { primary, secondary } = enrollments.get(name);
    return [primary, secondary].map((one) => one && thumbprintOf(one));
  };

  await Promise.all(names.map((name) => fleet.start(name)));
  await park.until(names, ({ phase }) => phase === 'serving', LONG_MS);
  for (const name of names) {
    const { payload } = await far.callMethod(name, 'leafStatus', { pem: true });
    const { pem = '' } = (payload as { readonly leaf: { readonly pem?: string } }).leaf;
    await far.enrollIndividual({ registrationId: name, primary: pem });
  }
  enrollments.remove('trucks');
  const old = new Map(names.map((name) => [name, park.twin(name).leaf?.thumbprint]));

  const rolled = await enroll('reprovision', '--job', SITE, '--action', 'roll');
  assert.equal(rolled.code, 1, rolled.out);
  const next = new Map(names.map((name) => [name, park.twin(name).next?.thumbprint]));
  // Each waits for its enrollment: whoever leaves out the next command is told so.
  const [parked = ''] = names;
  const called = await enroll('reprovision', parked);
  assert.match(called.out, new RegExp(`its new leaf waits\n {8}${parked}\n {8}${next.get(parked)}\n`));
  const left = await enroll('promote', parked, '--from-device');
  const many = await enroll('promote', '--where', SITE, '--from-device');
  assert.match(many.out, /\n20 devices: 0 written, 0 so already, 20 not\.\n$/);
  assert.deepEqual([called.code, left.code, many.code], [1, 1, 1]);
  await fleet.stop(OFF);
  enrollments.remove(LOST);

  const first = await enroll('set-secondary', '--where', SITE, '--from-device');
  assert.equal(
    first.out,
    `set-secondary for 20 devices: truck-01, truck-02, truck-03 ... and 17 more

The device is not connected to the hub (404103). (1)
  truck-07
  -> Repeat when it is back, or give its certificate by a file: --certificate
     next.pem (promote: --pem leaf.pem).

DPS has no individual enrollment of this name. (1)
  truck-13
  -> For members of a group, admit the CA that issued the leaf: enroll
     roll-group intermediate NAME --certificate CA.pem

20 devices: 18 written, 0 so already, 2 not.
Next: enroll reprovision --job "tags.site = 'north'"
And when they are back: enroll promote --where "tags.site = 'north'" --from-device
`,
  );
  assert.equal(first.code, 1);
  const mark = far.log.entries.length;
  await fleet.start(OFF);
  const listens = { event: 'subscribed', clientId: OFF, reason: '$iothub/methods/POST/#' } as const;
  await far.log.waitFor(listens, LONG_MS, mark);
  const well = names.filter((name) => name !== LOST);
  const again = await enroll('set-secondary', ...well, '--from-device');
  assert.match(
    again.out,
    /\n19 devices: 1 written, 18 so already, 0 not\.\nNext: enroll reprovision truck-01 truck-02 /,
  );
  assert.equal(again.code, 0);
  for (const name of well) assert.deepEqual(pair(name), [old.get(name), next.get(name)], name);

  // Too early: nobody has moved over, and nothing may be taken away.
  const early = await enroll('promote', ...well, '--from-device');
  assert.match(early.out, /The device uses another leaf\. \(19\)[\s\S]*19 devices: 0 written, 0 so already, 19 not\./);
  assert.equal(early.code, 1);
  const back = await enroll('reprovision', ...well);
  assert.equal(back.code, 0, back.out);
  const promoted = await enroll('promote', ...well, '--from-device');
  assert.match(promoted.out, /\n19 devices: 19 written, 0 so already, 0 not\.\n$/);
  assert.equal(promoted.code, 0);
  for (const name of well) {
    assert.deepEqual(pair(name), [next.get(name), undefined], name);
    assert.equal(park.twin(name).leaf?.thumbprint, next.get(name), name);
  }
  const repeated = await enroll('promote', ...well, '--from-device');
  assert.match(repeated.out, /\n19 devices: 0 written, 19 so already, 0 not\.\n$/);
});
