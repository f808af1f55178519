import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type Behaviour, SdkGateway } from './sdk-gateway.ts';
import { idIn, staged } from './stage.ts';

const office = await staged(true);
let fleet: SdkGateway[] = [];

/** Gateways by name and behaviour; each is connected until the end of the test, and tagged as one of this fleet. */
async function fleetOf(
  context: TestContext,
  tag: string,
  behaviours: Readonly<Record<string, Behaviour>>,
): Promise<void> {
  fleet = Object.entries(behaviours).map(([id, behaviour]) => new SdkGateway(office.simulator, id, behaviour));
  context.after(() => Promise.all(fleet.map((gateway) => gateway.close())));
  await Promise.all(fleet.map((gateway) => gateway.connect()));
  for (const { id } of fleet) office.simulator.registries.hub1.patchTags(id, { fleet: tag });
}

const registrations = (id: string): number => office.simulator.log.registrations(id);

/** The hub fails from the next call of a device on. */
async function fails(times?: number): Promise<void> {
  const { simulator } = office;
  await simulator.log.waitFor({ event: 'method' }, 60_000, simulator.log.entries.length);
  await simulator.lay('hub1', 'rest-status', { status: 500, ...(times && { times }) });
}

describe('single devices, by direct method', () => {
  test('all come back, and one that is named twice is asked once', async (context) => {
    await fleetOf(context, 'single', { 'gw-1': 'well', 'gw-2': 'well' });
    const { code, out, err } = await office.enroll(['reprovision', 'gw-1', 'gw-2', 'gw-1', '--action', 'roll']);
    assert.equal(
      out,
      'reprovision (roll) of 2 devices: gw-1, gw-2\n2 devices: 2 came back, 0 otherwise, 0 did not come back, 0 not asked.\n',
    );
    assert.equal(err, `asked   [${'#'.repeat(24)}] 2/2\nback    [${'#'.repeat(24)}] 2/2\n`);
    assert.equal(code, 0);
    assert.deepEqual([registrations('gw-1'), registrations('gw-2')], [2, 2]);
    const calls = office.simulator.log.matching({ event: 'method', clientId: 'gw-1' });
    assert.match(JSON.stringify(calls[0]?.body), /"action":"roll","id":"enroll-roll-ana-\w+","delaySeconds":0/);
  });

  test('who is not well is named, and it ends with 1', async (context) => {
    await fleetOf(context, 'mixed', { 'gw-3': 'well', 'gw-4': 'kept', 'gw-5': 'mute', 'gw-6': 'busy' });
    await office.simulator.writeDevice('hub1', 'gw-7', 'AB'.repeat(32));
    const names = [...fleet.map(({ id }) => id), 'gw-7', 'gw-none'];
    // All are back that will be.
    const { code, out } = await office.enroll(['reprovision', ...names], { interruptAt: '] 2/3', isTTY: true });
    assert.equal(code, 1);
    assert.equal(
      out.replace(/Did not come back within \d+ s/, 'Not back yet'),
      `reprovision (register) of 6 devices: gw-3, gw-4, gw-5, gw-6, gw-7, gw-none
Not asked:
     1  busy with another request (409)
        gw-6
     1  not connected (404103)
        gw-7
     1  not in this hub (404001)
        gw-none
Not back yet:
     1  not connected
        gw-5
Ended otherwise:
     1  on the previous leaf (NL-DPS-401002)
        gw-4
1 device may still begin or end. Look again:
  enroll reprovision --look ${idIn(out)} gw-5
To call only those again that are not done:
  enroll reprovision --retry ${idIn(out)}
6 devices: 1 came back, 1 otherwise, 1 did not come back, 3 not asked.
`,
    );
  });

  test('Ctrl-C ends the wait, and not the report; what those do that are not back is told', async (context) => {
    await fleetOf(context, 'impatient', { 'gw-11': 'idle', 'gw-12': 'slow' });
    const { code, out, err } = await office.enroll(['reprovision', ...fleet.map(({ id }) => id)], {
      interruptAt: 'back ',
      isTTY: true,
    });
    assert.match(err, /^Ctrl-C ends the wait, and tells which are back\.\n/);
    assert.equal(
      out.replace(/Did not come back within \d+ s/, 'Not back yet'),
      `reprovision (register) of 2 devices: gw-11, gw-12
Not back yet:
     1  connected, and has not begun
        gw-11
     1  waiting for the issuer to sign the next leaf
        gw-12
2 devices may still begin or end. Look again:
  enroll reprovision --look ${idIn(out)} gw-11 gw-12
To call only those again that are not done:
  enroll reprovision --retry ${idIn(out)}
2 devices: 0 came back, 0 otherwise, 2 did not come back, 0 not asked.
`,
    );
    assert.equal(code, 1);
  });

  test('a hub that fails while they are waited for is asked again, and told where it never answers', async (context) => {
    await fleetOf(context, 'bumpy', { 'gw-13': 'well', 'gw-14': 'idle' });
    context.after(() => office.simulator.lift('hub1', 'rest-status'));
    const [back] = await Promise.all([office.enroll(['reprovision', 'gw-13'], { isTTY: true }), fails(2)]);
    assert.match(back.out, /1 device: 1 came back/);
    assert.match(back.err, /0\/1 {2}The hub refuses \(500\): Fault/);
    const [lost] = await Promise.all([office.enroll(['reprovision', 'gw-14', '--wait', '1']), fails()]);
    assert.match(
      lost.out,
      /Did not come back within \d+ s:\n {5}1 {2}The hub refuses \(500\): Fault: Fault\.\n {8}gw-14/,
    );
    assert.deepEqual([back.code, lost.code], [0, 1]);
  });

  test('--wait 0 asks, and goes; --dry-run does not even ask', async (context) => {
    await fleetOf(context, 'quick', { 'gw-8': 'well' });
    const mark = office.simulator.log.entries.length;
    const dry = await office.enroll(['reprovision', 'gw-8', '--dry-run', '--report', 'x.json']);
    assert.deepEqual(
      [dry.code, /\nNo device was called \(--dry-run\), and x\.json was not written\.\n$/.test(dry.out)],
      [0, true],
    );
    assert.equal(office.simulator.log.since(mark).filter(({ event }) => event === 'method').length, 0);
    const { code, out } = await office.enroll(['reprovision', 'gw-8', '--wait', '0']);
    assert.equal(
      out,
      `reprovision (register) of 1 device: gw-8
1 device may still begin or end. To see how it ended:
  enroll reprovision --look ${idIn(out)} gw-8
1 device: 1 asked, 0 not asked. Not waited for.
`,
    );
    assert.equal(code, 0);
  });

  test('--look at a request tells where a later one has ended', async (context) => {
    await fleetOf(context, 'later', { 'gw-15': 'well' });
    await office.enroll(['reprovision', 'gw-15']);
    const { out } = await office.enroll(['reprovision', '--look', 'enroll-roll-1', 'gw-15']);
    assert.match(out, /^Not back yet:\n {5}1 {2}called again since, and that has ended\n {8}gw-15\n/);
  });

  test('a device that is assigned to another hub is not in this one any more', async (context) => {
    await fleetOf(context, 'moving', { 'gw-9': 'well' });
    await office.simulator.assign('gw-9', 'hub2');
    const { code, out } = await office.enroll(['reprovision', 'gw-9']);
    assert.match(out, /Ended otherwise:\n {5}1 {2}not in this hub any more: .*\n {8}gw-9\n/);
    assert.equal(code, 1);
  });
});

describe('a fleet of twenty, by a job of the hub', () => {
  const names = Array.from({ length: 20 }, (_, at) => `truck-${String(at + 1).padStart(2, '0')}`);
  const trucks = (context: TestContext, first: Behaviour = 'well') =>
    fleetOf(context, 'trucks', Object.fromEntries(names.map((name, at) => [name, at === 0 ? first : 'well'] as const)));
  const job = (...more: string[]) => ['reprovision', '--job', "tags.fleet = 'trucks'", ...more];

  test('it is asked for once, all come back, and none registers twice', async (context) => {
    await trucks(context);
    const before = names.map(registrations);
    const { code, out, err } = await office.enroll(job('--delay', '1'), { answer: 'y', isTTY: true });
    assert.equal(
      out,
      `reprovision (register) of 20 devices: truck-01, truck-02 ... and 18 more
20 devices: 20 came back, 0 otherwise, 0 did not come back, 0 not asked.
`,
    );
    assert.match(
      err,
      /^Call reprovision on 20 devices\? \[y\/N\] y\nLater, or after Ctrl-C: enroll reprovision --look enroll-register-ana-\w+\n/,
    );
    assert.match(err, /\r.\[Kback {4}\[#{24}\] 20\/20\n$/);
    assert.equal(code, 0);
    assert.deepEqual(
      names.map(registrations),
      before.map((count) => count + 1),
    );
    const asked = office.simulator.log.matching(
      ({ event, reason }) => event === 'request' && reason?.startsWith('PUT /jobs/v2/enroll-') === true,
    );
    assert.equal(asked.length, 1);
  });

  test('a hub that fails while its job runs is asked again', async (context) => {
    await trucks(context);
    const [{ code, err }] = await Promise.all([office.enroll(job('--yes'), { isTTY: true }), fails(2)]);
    assert.match(err, /asked .*The hub refuses \(500\)/);
    assert.equal(code, 0);
  });

  test('Ctrl-C while the job runs: what is known, that the job goes on, and how to look again', async (context) => {
    await trucks(context, 'late');
    const { code, out } = await office.enroll(job('--yes'), { interruptAt: 'asked ', isTTY: true });
    const id = idIn(out);
    assert.match(out, new RegExp(`\nThe job ${id} goes on in the hub\\. To end it:\n`));
    assert.match(
      out,
      new RegExp(`\n\\d+ devices may still begin or end\\. Look again:\n {2}enroll reprovision --look ${id}\n`),
    );
    assert.match(out, /\n20 devices: \d+ came back, 0 otherwise, [1-9]\d* did not come back, 0 not asked\.\n$/);
    assert.equal(code, 1);
    fleet[0]?.release();
    const looked = await office.enroll(['reprovision', '--look', id, '--wait', '600']);
    assert.match(looked.out, /^20 devices: 20 came back/);
    assert.equal(looked.code, 0);
    const two = await office.enroll(['reprovision', '--look', id, 'truck-01', 'truck-99']);
    assert.match(two.out, /^Not asked:\n {5}1 {2}not called by this job\n {8}truck-99\n/);
    assert.match(two.out, /\n2 devices: 1 came back, 0 otherwise, 0 did not come back, 1 not asked\.\n$/);
    assert.equal(two.code, 1);
  });

  test('Ctrl-C while they are called one by one: the others are not asked', async (context) => {
    await trucks(context);
    const { code, out } = await office.enroll(['reprovision', ...names], { interruptAt: 'asked ', isTTY: true });
    assert.match(out, /\nNot asked:\n +\d+ {2}interrupted before\n/);
    assert.equal(code, 1);
    const { out: looked } = await office.enroll(['reprovision', '--look', idIn(out), 'truck-01', '--wait', '600']);
    assert.equal(looked, '1 device: 1 came back, 0 otherwise, 0 did not come back, 0 not asked.\n');
    const unnamed = await office.enroll(['reprovision', '--look', idIn(out)]);
    assert.match(unnamed.out, /\n20 devices: \d+ came back/);
  });

  test('no: nobody is called', async () => {
    const mark = office.simulator.log.entries.length;
    const { code, said } = await office.enroll(job(), { answer: 'no' });
    assert.match(said, / n?o No device was called\. $/);
    assert.equal(code, 1);
    assert.ok(!office.simulator.log.since(mark).some(({ reason }) => reason?.startsWith('PUT /jobs')));
  });

  test('a condition that nobody fulfils, and one that is none', async () => {
    const nobody = await office.enroll(['reprovision', '--job', "tags.fleet = 'ships'"]);
    const none = await office.enroll(['reprovision', '--job', 'tags.fleet ==']);
    assert.match(nobody.said, /No device of this hub meets: tags.fleet = 'ships'/);
    assert.match(none.said, /The hub refuses \(400\): ArgumentInvalid: BadRequest/);
    assert.deepEqual([nobody.code, none.code], [1, 1]);
  });
});
