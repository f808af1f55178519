import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, test } from 'node:test';
import { type ClientIdentity, thumbprintOf } from '../../simulator/ca.ts';
import { pairIn, staged } from './stage.ts';

const office = await staged(true);
beforeEach(() => office.simulator.set({ infoAlone: 'keeps-its-place' }));

interface Told {
  readonly leaf?: string;
  readonly next?: string;
  /** What its twin says of the next leaf, where it is not the same. */
  readonly reported?: string;
  /** The whole answer, where it is another. */
  readonly answer?: readonly [status: number, payload: object];
}

/** A device of the hub that answers `leafStatus` with this. */
async function device(id: string, { leaf, next, reported = next, answer }: Told): Promise<void> {
  const payload = { registrationId: id, ...(leaf && { leaf: { pem: leaf } }), ...(next && { next: { pem: next } }) };
  const [status, body] = answer ?? [200, payload];
  const waits = reported && { thumbprint: thumbprintOf(new X509Certificate(reported)), standing: 'parked' };
  await office.simulator.writeDevice('hub1', id, 'AB'.repeat(32));
  office.simulator.registries.hub1.patchReported(id, { newleaf: { next: waits ?? null } });
  office.simulator.stand('hub1', id, (_, asked) => {
    assert.deepEqual(asked, { pem: true });
    return { status, payload: body };
  });
}

const enrolled = (id: string, primary: ClientIdentity) =>
  office.simulator.enrollIndividual({ registrationId: id, primary: primary.cert });
const leaf = (cn: string) => office.simulator.clientIdentity(cn);

const pair = (id: string) => pairIn(office, id);
const run = (line: string, answer?: string) => office.enroll(line.split(' '), answer === undefined ? {} : { answer });

test('a roll from the desk: the device sends the certificates, also those that DPS wants again', async (t) => {
  await office.simulator.set({ infoAlone: 'refused' });
  const [old, young] = [await leaf('gw-1'), await leaf('gw-1')];
  await enrolled('gw-1', old);
  await t.test('set-secondary', async () => {
    await device('gw-1', { leaf: old.cert, next: young.cert });
    const { code, out } = await run('set-secondary gw-1 --from-device');
    assert.match(out, /Next: enroll reprovision gw-1, and .*: enroll promote gw-1 --from-device\n/);
    assert.equal(code, 0);
    assert.deepEqual(pair('gw-1'), [old.thumbprint, young.thumbprint]);
    const again = await run('set-secondary gw-1 --from-device');
    assert.deepEqual([again.code, again.out], [0, 'The enrollment of gw-1 is so already.\n']);
    const early = await run('promote gw-1 --from-device --yes');
    assert.equal(early.said, 'The device uses another leaf. -> Have it move over first: enroll reprovision gw-1 ');
    assert.equal(early.code, 1);
  });
  await t.test('promote', async () => {
    await device('gw-1', { leaf: young.cert });
    const moved = await run('set-secondary gw-1 --from-device');
    assert.equal(moved.out, 'The enrollment of gw-1 is so already.\n');
    assert.equal((await run('promote gw-1 --from-device --yes')).code, 0);
    assert.deepEqual(pair('gw-1'), [young.thumbprint, undefined]);
    const again = await run('promote gw-1 --from-device');
    assert.deepEqual([again.code, again.out], [0, 'The enrollment of gw-1 is so already.\n']);
  });
});

test('promote with the old leaf enrolled only, and a new one that waits: not so already, for one and for many', async () => {
  const next = new Map<string, string>();
  for (const id of ['gw-5', 'gw-6', 'gw-7']) {
    const [old, young] = [await leaf(id), await leaf(id)];
    next.set(id, young.thumbprint);
    // The secondary of gw-7 is of an earlier roll, and the device holds another one.
    const earlier = id === 'gw-7' ? { secondary: (await leaf(id)).cert } : {};
    await office.simulator.enrollIndividual({ registrationId: id, primary: old.cert, ...earlier });
    await device(id, { leaf: old.cert, next: young.cert });
  }
  const one = await office.enroll(['promote', 'gw-5', '--from-device', '--yes']);
  assert.equal(
    one.said,
    `A new leaf waits on the device for its enrollment. ${next.get('gw-5')} -> Enroll it: enroll set-secondary gw-5 --from-device `,
  );
  assert.equal(one.code, 1);
  const many = await office.enroll(['promote', 'gw-5', 'gw-6', 'gw-7', '--from-device', '--yes']);
  assert.equal(
    many.out,
    `promote for 3 devices: gw-5, gw-6, gw-7

A new leaf waits on the device for its enrollment. (3)
  gw-5, gw-6, gw-7
  -> Enroll it: enroll set-secondary gw-5 gw-6 gw-7 --from-device

3 devices: 0 written, 0 so already, 3 not.
`,
  );
  assert.equal(many.code, 1);
});

test('after a breach: the whole thumbprint is shown before anything is written', async () => {
  const [stolen, young] = [await leaf('gw-2'), await leaf('gw-2')];
  await enrolled('gw-2', stolen);
  await device('gw-2', { leaf: stolen.cert, next: young.cert });
  const no = await run('remove-current primary gw-2 --from-device', 'n');
  assert.match(no.said, new RegExp(`Admitted in its place: ${young.thumbprint}\\. A thief .* compare it .*Go on\\?`));
  assert.deepEqual([no.code, pair('gw-2')], [1, [stolen.thumbprint, undefined]]);
  assert.equal((await run('remove-current primary gw-2 --from-device', 'y')).code, 0);
  assert.deepEqual(pair('gw-2'), [young.thumbprint, undefined]);
});

describe('an answer that does not do is refused with the next step, and nothing is written', () => {
  const rows: readonly (readonly [what: string, told: (old: string) => Promise<Told>, said: RegExp])[] = [
    [
      'a newleaf that does not know pem',
      async () => ({ answer: [400, { field: 'pem', message: 'pem is not known here; there are no fields' }] }),
      /^The newleaf of the device is too old to send a certificate\. -> Update it, or .*next\.pem/,
    ],
    [
      'another refusal',
      async () => ({ answer: [500, { message: 'a\u001b[2Jb' }] }),
      /^The device answers 500: a\?\[2Jb $/,
    ],
    [
      'a refusal that would fill the screen',
      async () => ({ answer: [500, { message: 'a'.repeat(100_000) }] }),
      /^The device answers 500: a{200} $/,
    ],
    ['another program', async () => ({ answer: [200, {}] }), /^The device answers 200: no status of newleaf $/],
    [
      'no next leaf',
      async (old) => ({ leaf: old }),
      /^The device has no next leaf\. -> Have it make one: enroll reprovision gw-3 --action roll $/,
    ],
    [
      'a key that waits for its leaf',
      async () => ({ answer: [200, { registrationId: 'gw-3', next: { standing: 'waiting' } }] }),
      /^The issuer has not signed the next leaf yet\. -> On the device: newleaf status $/,
    ],
    [
      'the leaf of another',
      async () => ({ next: (await leaf('gw-9')).cert }),
      /^The leaf in the answer of gw-3 has the CN gw-9, and the registration ID is gw-3: DPS would refuse it\. $/,
    ],
    [
      'an expired one',
      async () => ({ next: (await office.simulator.clientIdentity('gw-3', { lifetimeMs: -1_000 })).cert }),
      /^The leaf in the answer of gw-3 has expired/,
    ],
    [
      'no certificate',
      async () => ({ answer: [200, { registrationId: 'gw-3', next: { pem: 'x' } }] }),
      /no certificate in PEM/,
    ],
    [
      'another one than its twin tells of',
      async (old) => ({ next: (await leaf('gw-3')).cert, reported: old }),
      /^The device has sent another next leaf than its twin tells of\. -> Repeat in a minute\. $/,
    ],
  ];
  for (const [what, told, said] of rows) {
    test(what, async (t) => {
      const old = await leaf('gw-3');
      await enrolled('gw-3', old);
      t.after(() => office.simulator.enrollments.remove('gw-3'));
      await device('gw-3', await told(old.cert));
      const answer = await run('set-secondary gw-3 --from-device');
      assert.match(answer.said, said);
      assert.deepEqual([answer.code, answer.out], [1, '']);
      assert.deepEqual(pair('gw-3'), [old.thumbprint, undefined]);
    });
  }

  test('a device that is away, and a group', async () => {
    await enrolled('gw-4', await leaf('gw-4'));
    await office.simulator.writeDevice('hub1', 'gw-4', 'AB'.repeat(32));
    const away = await run('set-secondary gw-4 --from-device');
    assert.match(
      away.said,
      /^The device is not connected to the hub \(404103\)\. -> Repeat when it is back, or .*next\.pem/,
    );
    const neither = await run('set-secondary gw-4');
    assert.deepEqual([neither.said, neither.code], ['Which one? --from-device, or --certificate FILE ', 2]);
    const group = await run('promote gateways --from-device');
    assert.match(group.said, /^--from-device is for individual enrollments/);
    assert.deepEqual([away.code, group.code], [1, 2]);
  });
});

describe('many devices', () => {
  const fleet = async (tag: string, ids: readonly string[], named = (id: string) => id) => {
    for (const id of ids) {
      const [old, young] = [await leaf(named(id)), await leaf(named(id))];
      const registrationId = named(id);
      await office.simulator.enrollIndividual({ registrationId, deviceId: id, primary: old.cert });
      const answer = { registrationId, leaf: { pem: old.cert }, next: { pem: young.cert } };
      await device(id, { reported: young.cert, answer: [200, answer] });
      office.simulator.registries.hub1.patchTags(id, { fleet: tag });
    }
  };
  const enroll = (line: string, where: string, answer?: string) =>
    office.enroll([...line.split(' '), '--where', where], answer === undefined ? {} : { answer });

  test('by a condition: asked before, not with --dry-run, and their names in the hub may be others', async () => {
    await fleet('one', ['hub-1', 'hub-2'], (id) => `reg-${id}`);
    const where = "tags.fleet = 'one'";
    const dry = await enroll('set-secondary --from-device --dry-run', where);
    assert.match(dry.out, /\n2 devices: 2 to write, 0 so already, 0 not\.\nNothing was changed \(--dry-run\)\.\n$/);
    const no = await enroll('set-secondary --from-device', where, 'n');
    assert.match(
      no.said,
      /Enrollments to write: 2\. Certificates no longer admitted: 0\. Go on\? \[y\/N\] n Nothing was changed/,
    );
    assert.deepEqual([dry.code, no.code, pair('reg-hub-1')[1]], [0, 1, undefined]);
    const { code, out, err } = await enroll('set-secondary --from-device --yes', where);
    assert.match(
      out,
      /\n2 devices: 2 written, 0 so already, 0 not\.\nNext: enroll reprovision --job "tags\.fleet = 'one'"\n/,
    );
    assert.equal(err, `asked   [${'#'.repeat(24)}] 2/2\nwritten [${'#'.repeat(24)}] 2/2\n`);
    assert.equal(code, 0);
    assert.equal(pair('reg-hub-2').filter((one) => one !== undefined).length, 2);
  });

  test('a device that claims the enrollment of another is not believed', async () => {
    const other = await leaf('gw-31');
    await enrolled('gw-31', other);
    const stolen = (await leaf('gw-31')).cert;
    await device('rogue', { reported: stolen, answer: [200, { registrationId: 'gw-31', next: { pem: stolen } }] });
    const { code, out } = await enroll('set-secondary --from-device --yes', "deviceId = 'rogue'");
    assert.match(out, /\n1 device: 0 written/);
    assert.match(out, /\nThe device claims the enrollment of another device\. \(1\)\n {2}rogue\n/);
    assert.deepEqual([code, pair('gw-31')], [1, [other.thumbprint, undefined]]);
  });

  test('Ctrl-C while they are asked: nothing is changed; while they are written: the sum, and the same command goes on', async () => {
    const ids = Array.from({ length: 9 }, (_, at) => `stop-${at}`);
    await fleet('three', ids);
    const argv = ['set-secondary', ...ids, '--from-device'];
    const asked = await office.enroll(argv, { isTTY: true, interruptAt: 'asked ' });
    assert.match(asked.said, / Nothing was changed\. $/);
    assert.deepEqual([asked.code, ids.filter((id) => pair(id)[1])], [1, []]);
    const written = await office.enroll(argv, { isTTY: true, interruptAt: 'written ' });
    const [, done = '', not = ''] = /\n9 devices: (\d) written, 0 so already, (\d) not\.\n/.exec(written.out) ?? [];
    assert.match(written.out, new RegExp(`\nInterrupted before\\. \\(${not}\\)\n.*\n.*Repeat the same command`));
    assert.deepEqual([written.code, ids.filter((id) => pair(id)[1]).length], [1, Number(done)]);
    const { code, out } = await office.enroll(argv);
    assert.match(out, new RegExp(`\n9 devices: ${not} written, ${done} so already, 0 not\\.\n`));
    assert.equal(code, 0);
  });

  test('the next step has the names of the hub, and no more of them than can be read', async () => {
    await fleet('four', ['hub-3', 'hub-4'], (id) => `reg-${id}`);
    const one = await run('set-secondary reg-hub-3 --from-device');
    assert.match(one.out, /Next: enroll reprovision hub-3, and .*: enroll promote reg-hub-3 --from-device\n/);
    const early = await run('promote reg-hub-3 --from-device --yes');
    assert.match(early.said, / enroll reprovision hub-3 $/);
    const both = await run('set-secondary reg-hub-3 reg-hub-4 --from-device');
    assert.match(both.out, /\nNext: enroll reprovision hub-3 hub-4\n.* promote reg-hub-3 reg-hub-4 --from-device\n$/);
    const ids = Array.from({ length: 21 }, (_, at) => `none-${at}`);
    for (const id of ids) {
      await enrolled(id, await leaf(id));
      await device(id, {});
    }
    const many = await office.enroll(['set-secondary', ...ids, '--from-device']);
    assert.match(
      many.out,
      /\nThe device has no next leaf\. \(21\)\n.*\n.* enroll reprovision DEVICE\.\.\. --action roll\n/,
    );
  });

  test('many reasons do not fill the screen: five are shown, and the others counted', async () => {
    const ids = Array.from({ length: 7 }, (_, at) => `odd-${at}`);
    for (const [at, id] of ids.entries()) {
      await enrolled(id, await leaf(id));
      await device(id, { answer: [500 + Math.max(0, at - 1), { message: 'no' }] });
    }
    const { out } = await office.enroll(['set-secondary', ...ids, '--from-device']);
    assert.match(out, /\n\nThe device answers 500: no \(2\)\n {2}odd-0, odd-1\n/);
    assert.match(out, /\nAnd for 1 more reason: 1 device\.\n\n7 devices: 0 written, 0 so already, 7 not\.\n$/);
  });

  test('by their IDs: nothing is asked where nothing is lost, and one that DPS refuses does not hold up the others', async () => {
    await fleet('two', ['gw-21', 'gw-22']);
    // DPS wants the primary again, and this one sends its next leaf only.
    await office.simulator.set({ infoAlone: 'refused' });
    await enrolled('gw-23', await leaf('gw-23'));
    await device('gw-23', { next: (await leaf('gw-23')).cert });
    const { code, out } = await run('set-secondary gw-23 gw-21 gw-22 gw-21 --from-device');
    assert.match(
      out,
      /^set-secondary for 3 devices: gw-23, gw-21, gw-22\n\nDPS refuses \(400\)[\s\S]* \(1\)\n {2}gw-23\n/,
    );
    assert.match(
      out,
      /\n3 devices: 2 written, 0 so already, 1 not\.\nNext: enroll reprovision gw-21 gw-22\nAnd when they are back: enroll promote gw-21 gw-22 --from-device\n$/,
    );
    assert.equal(code, 1);
  });
});
