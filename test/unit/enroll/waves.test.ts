import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { PlayedFleet } from './played-fleet.ts';
import { idIn, staged } from './stage.ts';

const names = (prefix: string): string[] =>
  Array.from({ length: 40 }, (_, at) => `${prefix}-${String(at + 1).padStart(2, '0')}`);
const office = await staged();
let fleet: PlayedFleet;
let ids: string[];
let site = 0;
afterEach(() => fleet.close());
/** A site of its own for each test. */
beforeEach(async () => {
  site += 1;
  ids = names(`s${site}`);
  fleet = await PlayedFleet.open(office.simulator, ids);
  for (const id of ids) office.simulator.registries.hub1.patchTags(id, { site: String(site) });
  await fleet.connect(ids);
});

const where = (): string => `tags.site = '${site}'`;
const roll = (...more: string[]) => ['reprovision', '--job', where(), '--action', 'roll', '--yes', ...more];
const waves = ['--first', '4', '--next', '25%', '--next', 'rest'];
const hurried = { isHurried: true };
/** How many were called. */
const worked = (): number => new Set([...fleet.work].map((one) => one.split(' ')[0])).size;
const jobs = (since: number): string[] =>
  office.simulator.log.since(since).flatMap(({ event, reason = '' }) => {
    const [, id] = /^PUT \/jobs\/v2\/(?:\S*?)(-w\d+-\d+)\?/.exec(event === 'request' ? reason : '') ?? [];
    return id === undefined ? [] : [id];
  });

test('three waves to the end: each begins when the one before has held its sessions, and after the pause', async () => {
  const mark = office.simulator.log.entries.length;
  const dry = await office.enroll([...roll(...waves), '--dry-run']);
  assert.match(
    dry.out,
    /^reprovision \(roll\) of 40 devices, in waves: 4, 10, rest\nThe first: s1-.*\nNo device was called/,
  );
  const { out, err, code, sleptMs } = await office.enroll(roll(...waves, '--pause', '10m'), hurried);
  assert.match(out, /\n40 devices proven of 40 in 3 waves\.\n$/);
  assert.equal(code, 0);
  assert.deepEqual(jobs(mark), ['-w1-1', '-w2-1', '-w3-1']);
  assert.match(err, /wave 1 of 3: must hold the session\n.*wave 1 of 3: proven; pause before the next wave\n/s);
  // The devices have the clock of this machine: only the first wave is young for the hurried desk.
  assert.ok(sleptMs > 900_000, `${sleptMs} ms`);
  assert.deepEqual([fleet.work.size, worked()], [40, 40], 'none did it twice');
  const listed = (await office.enroll(['list', 'jobs'])).out;
  assert.match(listed, /\nenroll-roll-ana-\w+ +ana .* completed +40 +40 +0\n/);
  const id = idIn(listed);
  await rm(join(office.directory, 'state'), { recursive: true });
  const shown = await office.enroll(['show', 'job', id]);
  assert.match(
    shown.out,
    /\nCondition: tags\.site = '1'\nIn waves 4 25% rest; of 40; stop 1; .*\n3 jobs of the hub, completed: 40 of 40/,
  );
  assert.match(shown.out, /\n40 devices: 40 came back, 0 otherwise, 0 did not come back, 0 not asked\.\n$/);
  const again = await office.enroll(['reprovision', '--retry', id, '--yes']);
  assert.match(again.out, /not done: 0 of 40\.\nNo device was called\.\n$/);
});

test('a wrong intermediate: the first wave is parked, no other gateway is called, and the reason is told', async () => {
  for (const id of ids) fleet.parked.add(id);
  const { out, code } = await office.enroll(roll(...waves, '--stop-after', '3'), hurried);
  assert.match(out, /\nStopped in wave 1 of 3: 4 of 4 that were asked are not well \(--stop-after 3\)\.\n/);
  assert.match(out, /\nEnded otherwise:\n {5}4 {2}a person is needed \(NL-DPS-401002\), its new leaf waits\n/);
  assert.match(out, /\n {2}enroll set-secondary s2-\d\d s2-\d\d s2-\d\d s2-\d\d --from-device\n/);
  assert.match(out, /\n {2}enroll roll-group intermediate NAME --certificate CA\.pem\n/);
  assert.match(out, /\n36 devices of 40 not asked\.\n$/);
  assert.equal(code, 1);
  assert.equal(worked(), 4);
  // --retry is for those that were called, from the report and from the hub.
  const report = join(office.directory, 'state', 'newleaf-enroll', 'requests', `${idIn(out)}.json`);
  for (const earlier of [report, idIn(out)]) {
    const retry = await office.enroll(['reprovision', '--retry', earlier, '--dry-run']);
    assert.match(retry.out, /\nreprovision \(roll\) of 4 devices: /);
  }
  // Cured, and called again: the request goes on from there, on another machine.
  const id = idIn(out);
  fleet.parked.clear();
  await rm(join(office.directory, 'state'), { recursive: true });
  const still = await office.enroll(['reprovision', '--resume', id], hurried);
  assert.match(still.out, /^Stopped in wave 1 of 3/);
  const names = [...new Set([...fleet.work].map((one) => one.split(' ')[0] ?? ''))];
  const cured = await office.enroll(['reprovision', ...names, '--action', 'roll']);
  assert.match(cured.out, /4 devices: 4 came back/);
  const ben = { ...office.env, NEWLEAF_OPERATOR: 'ben', XDG_STATE_HOME: join(office.directory, 'ben') };
  const rest = await office.enroll(['reprovision', '--resume', id], { ...hurried, env: ben });
  assert.match(rest.out, /^40 devices proven of 40 in 3 waves\.\n$/);
  assert.equal(rest.code, 0);
  assert.equal(fleet.work.size, 44);
});

test('Ctrl-C in the middle, a hub that is down meanwhile, and two operators who go on at the same time: nothing twice', async () => {
  const begun = await office.enroll(roll(...waves, '--pause', '10m'), {
    ...hurried,
    interruptAt: 'wave 1 of 3: proven; pause',
  });
  const id = idIn(begun.out);
  assert.match(begun.out, new RegExp(`To go on with the next devices:\n {2}enroll reprovision --resume ${id}\n`));
  assert.equal(worked(), 4);
  const report = JSON.parse(
    await readFile(join(office.directory, 'state', 'newleaf-enroll', 'requests', `${id}.json`), 'utf8'),
  );
  assert.deepEqual([report.waves.split(';')[0], report.sum['not-asked']], ['waves 4 25% rest', 36]);
  await office.simulator.lay('hub1', 'rest-status', { status: 503, times: 6 });
  const both = await Promise.all([
    office.enroll(['reprovision', '--resume', id], hurried),
    office.second(['reprovision', '--resume', id], { ...hurried, env: { ...office.env, NEWLEAF_OPERATOR: 'ben' } }),
  ]);
  for (const { out, code } of both) {
    assert.match(out, /^40 devices proven of 40 in 3 waves\.\n$/);
    assert.equal(code, 0);
  }
  assert.deepEqual([fleet.work.size, worked()], [40, 40]);
});

test('cancel by another operator, in the pause between two waves: the one who goes on hears of it, and can resume', async () => {
  const mark = office.simulator.log.entries.length;
  const { log } = office.simulator;
  const listed = ({ event, reason = '' }: { readonly event: string; readonly reason?: string }) =>
    event === 'request' && reason.startsWith('GET /jobs/v2/query');
  const ends = async () => {
    await log.waitFor({ event: 'job' }, 60_000, mark);
    await log.waitFor(listed, 60_000, log.entries.length);
    const id = idIn((await office.second(['list', 'jobs'])).out);
    return office.second(['cancel', id, '--yes']);
  };
  // The pause is real for this desk: it lasts until the other one has ended the request.
  const [{ out, code }, cancelled] = await Promise.all([
    office.enroll(roll(...waves, '--hold', '1s', '--pause', '20h'), { isPaced: true }),
    ends(),
  ]);
  assert.match(cancelled.out, / is ended in the hub\.\n {5}4 {2}done: stays so\n/);
  assert.match(out, /\nStopped in wave 1 of 3: it was ended by enroll cancel\.\n/);
  assert.equal(code, 1);
  assert.equal(worked(), 4);
  const rest = await office.enroll(['reprovision', '--resume', idIn(out), '--pause', '0s'], hurried);
  assert.match(rest.out, /^40 devices proven of 40 in 3 waves\.\n$/);
});

test('--json: one document on stdout, as of any request', async () => {
  const { out } = await office.enroll(roll('--first', '4', '--json'), hurried);
  const { schema, waves: plan, sum, devices } = JSON.parse(out);
  assert.deepEqual([schema, plan.split(';')[0], sum.done, devices.length], [1, 'waves 4', 4, 40]);
});

test('a share of those asked, and a limit that is met within a large wave: its job is ended', async () => {
  for (const id of ids.slice(0, 3)) fleet.parked.add(id);
  const { out, code } = await office.enroll(roll('--first', 'rest', '--stop-at', '5%'), hurried);
  assert.match(out, /Stopped in wave 1 of 1: \d of \d+ that were asked (is|are) not well \(--stop-at 5%\)\./);
  assert.equal(code, 1);
});

test('what is no wave is refused with the reason, before anything is called', async () => {
  const rows: readonly (readonly [argv: readonly string[], told: RegExp])[] = [
    [roll('--first', 'some'), /A wave is a number of devices \(10\), a share of all \(10%\) or rest, not "some"/],
    [roll('--first', 'rest', '--next', '10'), /"rest" is the last wave/],
    [roll('--first', '10', '--stop-after', '3', '--stop-at', '2%'), /exclude each other/],
    [roll('--first', '10', '--pause', 'long'), /--pause is a time of up to a day, as 30m, 90s or 2h, not "long"/],
    [['reprovision', 's1-01', '--first', '1'], /Waves are for a condition: --job CONDITION --first SIZE/],
    [roll('--next', 'rest'), /--next is for waves: say how large the first one is, --first SIZE/],
    [['reprovision', 's1-01', '--stop-after', '3'], /--stop-after is for waves/],
    [['reprovision', '--resume', 'enroll-1'], /is no request of enroll/],
  ];
  for (const [argv, told] of rows) {
    const { said, code } = await office.enroll(argv);
    assert.match(said, told);
    assert.equal(code, 2);
  }
  assert.equal(worked(), 0);
});

test('a group: its new intermediate reaches the members in waves, and the old one goes only when none uses it', async () => {
  const { simulator } = office;
  const [one, two] = [
    await office.file('one.pem', simulator.endpoints.issuerPem),
    await office.file('two.pem', await simulator.rollIssuer('intermediate')),
  ];
  await office.enroll(['add', 'group', 'gateways', '--certificate', one]);
  const { primary } = JSON.parse((await office.enroll(['show', 'group', 'gateways', '--json'])).out);
  const old = /CN=([^,]+)/.exec(primary.subject)?.[1];
  for (const id of ids)
    simulator.registries.hub1.patchReported(id, { newleaf: { leaf: { thumbprint: 'AB'.repeat(32), issuer: old } } });
  const both = ['--job', where(), '--yes'];
  const half = await office.enroll(['promote', 'gateways', ...both]);
  assert.match(half.said, /--job CONDITION --first SIZE belong together/);
  for (const id of ids) fleet.parked.add(id);
  const wrong = await office.enroll(
    ['roll-group', 'intermediate', 'gateways', '--certificate', two, ...both, ...waves],
    hurried,
  );
  assert.match(wrong.out, /Both are admitted\..*\nStopped in wave 1 of 3/s);
  assert.equal(worked(), 4);
  const early = await office.enroll(['promote', 'gateways', '--pem', two, ...both, ...waves]);
  assert.match(
    early.said,
    /40 devices of these still use a leaf of .*, which is to go\. Nothing was changed\. -> Roll them first:/,
  );
  fleet.parked.clear();
  const rolled = await office.enroll(roll(...waves), hurried);
  assert.match(rolled.out, /\n40 devices proven of 40 in 3 waves\.\n$/);
  const done = await office.enroll(['promote', 'gateways', '--pem', two, ...both, ...waves], hurried);
  assert.match(
    done.out,
    /\nreprovision \(register\) of 40 devices, in waves: 4, 10, rest\n40 devices proven of 40 in 3 waves\.\n$/,
  );
  assert.equal(done.code, 0);
});
