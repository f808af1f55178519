import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Enrollment } from '../../simulator/enrollments.ts';
import type { Told } from './paper.ts';
import { clear, done, pairIn, staged } from './stage.ts';

const office = await staged();
beforeEach(async () => {
  clear(office);
  await office.simulator.set({ infoAlone: 'keeps-its-place' });
});

/** Words separated by blanks; `yes` stands for --yes. */
const run = (line: string, ...files: string[]): Promise<Told> =>
  office.enroll([...line.split(' '), ...files.flatMap((file) => (file.startsWith('--') ? file.split('=') : [file]))]);

const held = (id: string): Enrollment => office.simulator.enrollments.get(id);
const pair = (id: string) => pairIn(office, id);

test('an individual enrollment through its life', async () => {
  const [first, second, third] = [
    await office.leaf('gw-1', 'first'),
    await office.leaf('gw-1', 'second'),
    await office.leaf('gw-1', 'third'),
  ];
  assert.match(await done(run('add individual --policy never --certificate', first.file)), /\+ primary .*CN=gw-1/);
  assert.deepEqual(pair('gw-1'), [first.thumbprint, undefined]);
  assert.equal(held('gw-1').policy.updateHubAssignment, false);
  assert.match(
    await done(run('set-secondary gw-1 --certificate', second.file)),
    /Both are admitted\. Next: .*enroll promote gw-1/,
  );
  assert.deepEqual(pair('gw-1'), [first.thumbprint, second.thumbprint]);
  await done(run('promote gw-1 --yes --pem', second.file));
  assert.deepEqual(pair('gw-1'), [second.thumbprint, undefined]);
  await done(run('set-secondary gw-1 --certificate', first.file));
  await done(run('remove-current primary gw-1 --yes'));
  assert.deepEqual(pair('gw-1'), [undefined, first.thumbprint]);
  await done(run('remove-current secondary gw-1 --yes --certificate', second.file));
  assert.deepEqual(pair('gw-1'), [undefined, second.thumbprint]);
  assert.match(
    await done(run('remove-current both gw-1 --yes --certificate', third.file)),
    /From now on DPS refuses what was removed/,
  );
  assert.deepEqual(pair('gw-1'), [third.thumbprint, undefined]);
  // What the tool knows nothing of is as it was.
  assert.equal(held('gw-1').policy.updateHubAssignment, false);
});

test('a group by its intermediate: rolled beside, promoted, rolled at once', async () => {
  const one = await office.file('one.pem', office.simulator.endpoints.issuerPem);
  const two = await office.file('two.pem', await office.simulator.rollIssuer('intermediate'));
  const three = await office.file('three.pem', await office.simulator.rollIssuer('intermediate'));
  assert.match(await done(run('add group gateways --certificate', one)), /until the root above it is verified in DPS/);
  await done(run('roll-group intermediate gateways --certificate', two));
  assert.equal(new Set(pair('gateways')).size, 2);
  await done(run('promote gateways --yes --pem', two));
  const [promoted] = pair('gateways');
  await done(run('roll-group intermediate gateways --yes --at-once --certificate', three));
  const [last, none] = pair('gateways');
  assert.ok(last !== promoted && none === undefined);
  const { code, said } = await run('roll-group root gateways --yes --certificate', two);
  assert.deepEqual([code, /is an intermediate, not the root/.test(said)], [2, true]);
});

test('a group by the name of a verified CA: rolled beside, promoted, and not to one that nobody verified', async () => {
  const { simulator } = office;
  for (const name of ['root-1', 'root-2']) {
    const code = await simulator.uploadCa(name, simulator.endpoints.estCaPem);
    // Rolled intermediates hang under the same root, so it can still be proven.
    await simulator.verifyCa(name, await simulator.proveCa(code, 'root'));
  }
  assert.doesNotMatch(await done(run('add group by-name --ca root-1')), /root above/);
  await done(run('roll-group root by-name --ca root-2'));
  assert.deepEqual(held('by-name').caReferences, { primary: 'root-1', secondary: 'root-2' });
  await done(run('promote by-name --yes'));
  assert.deepEqual(held('by-name').caReferences, { primary: 'root-2' });
  const unverified = await run('roll-group root by-name --ca root-9');
  assert.match(unverified.said, /refuses \(400\).*"root-9" does not exist, or is not verified/);
  const issuer = await office.file('issuer.pem', simulator.endpoints.issuerPem);
  const mixed = await run('roll-group intermediate by-name --certificate', issuer);
  assert.match(mixed.said, /not one of each/);
  assert.deepEqual([unverified.code, mixed.code], [1, 1]);
});

describe('info alone may be taken, or not: with --pem every position does', () => {
  for (const infoAlone of ['keeps-its-place', 'may-move', 'refused'] as const) {
    test(infoAlone, async () => {
      const [first, second] = [await office.leaf('gw-1', 'first'), await office.leaf('gw-1', 'second')];
      await done(run('add individual --certificate', first.file));
      await office.simulator.set({ infoAlone });
      const beside = await run('set-secondary gw-1 --certificate', second.file);
      assert.equal(beside.code, infoAlone === 'refused' ? 1 : 0);
      if (beside.code === 1) {
        assert.match(beside.said, new RegExp(`repeat with --pem FILE for ${first.thumbprint.slice(0, 8)}`));
        await done(run('set-secondary gw-1 --certificate', second.file, `--pem=${first.file}`));
      }
      const promoted = await run('promote gw-1 --yes');
      assert.equal(promoted.code, infoAlone === 'may-move' ? 0 : 1);
      if (promoted.code === 1) {
        assert.match(promoted.said, new RegExp(`repeat with --pem FILE for ${second.thumbprint.slice(0, 8)}`));
        assert.deepEqual(pair('gw-1'), [first.thumbprint, second.thumbprint]);
        await done(run('promote gw-1 --yes --pem', second.file));
      }
      assert.deepEqual(pair('gw-1'), [second.thumbprint, undefined]);
    });
  }
});

describe('it asks before it destroys', () => {
  const enrolled = async () => {
    const [first, second] = [await office.leaf('gw-1', 'first'), await office.leaf('gw-1', 'second')];
    await office.simulator.enrollIndividual({ registrationId: 'gw-1', primary: first.cert, secondary: second.cert });
    return [first.thumbprint, second.thumbprint];
  };
  const argv = ['remove-current', 'primary', 'gw-1'];

  const rows = [
    ['n', [], 1, /No longer admitted: [0-9A-F]{16}\.\.\..*Go on\? \[y\/N\] n Nothing was changed\. $/],
    [undefined, [], 2, /The question cannot be asked: repeat with --yes/],
    [undefined, ['--dry-run'], 0, /^$/],
  ] as const;
  for (const [answer, more, exit, told] of rows) {
    test(`${answer ?? 'nobody there'} ${more.join()}: nothing is changed`, async () => {
      const before = await enrolled();
      const { code, out, said } = await office.enroll([...argv, ...more], answer === undefined ? {} : { answer });
      assert.match(said, told);
      assert.match(out, /- primary .*\n {2}\+ primary {4}\(none\)/);
      assert.equal(/Nothing was changed \(--dry-run\)\./.test(out), more.length > 0);
      assert.deepEqual([code, pair('gw-1')], [exit, before]);
    });
  }
  test('yes', async () => {
    const [, second] = await enrolled();
    assert.equal((await office.enroll(argv, { answer: 'y' })).code, 0);
    assert.deepEqual(pair('gw-1'), [undefined, second]);
  });
});

describe('what DPS refuses is said in words, with 1', () => {
  test('enrolled already', async () => {
    const { file } = await office.leaf('gw-1');
    await done(run('add individual --certificate', file));
    const { code, said } = await run('add individual --certificate', file);
    assert.match(said, /DPS refuses \(409\): Enrollment already exists: gw-1\. Look at it: enroll show device ID/);
    assert.equal(code, 1);
  });
  test('a device and a group of one name', async () => {
    const { cert } = await office.simulator.clientIdentity('twice');
    await office.simulator.enrollIndividual({
      registrationId: 'twice',
      primary: cert,
      secondary: (await office.leaf('twice')).cert,
    });
    await office.simulator.enrollGroup({ groupId: 'twice', primary: office.simulator.endpoints.issuerPem });
    const { code, said } = await run('remove-current primary twice --yes');
    assert.match(said, /say --individual or --group/);
    assert.equal(code, 2);
    await done(run('remove-current primary twice --individual --yes'));
    assert.equal(held('twice').kind === 'individual' && held('twice').primary, undefined);
  });
  test('the key is wrong', async () => {
    const wrong = office.simulator.endpoints.dpsService.replace(/SharedAccessKey=.*/, 'SharedAccessKey=d3Jvbmc=');
    const { code, err, said } = await office.enroll(['show', 'group', 'g', '--dps', wrong]);
    assert.match(said, /refuses the connection string or the login \(401\)/);
    assert.deepEqual([code, err.includes('d3Jvbmc=')], [1, false]);
  });
  test('throttled: waits as long as it is told to, and goes on', async () => {
    await office.simulator.enrollGroup({ groupId: 'g', primary: office.simulator.endpoints.issuerPem });
    await office.simulator.lay('dps', 'rest-status', { status: 429, retryAfter: '0.05', times: 2 });
    await done(run('show group g'));
  });
});
