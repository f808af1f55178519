import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { idIn, stagedFleet } from './stage.ts';

/** The simulated hub calls ten at the same time. */
const ids = Array.from({ length: 14 }, (_, at) => `gw-${String(at + 1).padStart(2, '0')}`);
const { office, fleet } = await stagedFleet(ids);
beforeEach(() => {
  fleet.isHeld = true;
});

const job = ['reprovision', '--job', '*', '--action', 'roll', '--yes', '--delay', '60'];
const methods = (since: number): number =>
  office.simulator.log.since(since).filter(({ event }) => event === 'method').length;

/** Ctrl-C comes once the hub has called ten, which do not answer. */
const begun = () => office.enroll(job, { interruptAt: 'asked ', isTTY: true });

test('cancel: the job ends in the hub, those that were not called stay as they are, and each is told', async () => {
  const mark = office.simulator.log.entries.length;
  const { out } = await begun();
  const id = idIn(out);
  assert.match(out, new RegExp(`\nThe job ${id} goes on in the hub\\. To end it:\n {2}enroll cancel ${id}\n`));
  const dry = await office.enroll(['cancel', id, '--dry-run']);
  assert.equal(dry.out, 'Nothing was ended (--dry-run).\n');
  const no = await office.enroll(['cancel', id], { answer: 'no' });
  assert.match(
    no.said,
    /^End 1 job of enroll-roll-ana-\w+ in the hub\? 0 devices took the call already, .* The job goes on\. $/,
  );
  const { out: told, code } = await office.enroll(['cancel', id, '--yes']);
  assert.equal(
    told,
    `${id} is ended in the hub.
    10  called, or being called, and begins within 60 s of its call: it goes on
        to its end
        ${ids.slice(0, 9).join(', ')}, gw-10
     4  was not called, and will not be
        gw-11, gw-12, gw-13, gw-14
To call those that are not done, later:
  enroll reprovision --retry ${id}
`,
  );
  assert.equal(code, 0);
  fleet.release();
  const { simulator } = office;
  await simulator.log.waitFor({ event: 'job', reason: `${id} cancelled` }, 60_000, mark);
  assert.equal(methods(mark), 10);
  const again = await office.enroll(['cancel', id]);
  assert.match(again.out, /^No job of enroll-roll-ana-\w+ was running any more\.\n {4}10 {2}done: stays so\n/);
  const rest = await office.enroll(['reprovision', '--retry', id, '--yes', '--dry-run']);
  assert.match(rest.out, /not done: 4 of 14\.\nreprovision \(roll\) of 4 devices: gw-11, gw-12, gw-13, gw-14\n/);
  assert.match((await office.enroll(['list', 'jobs'])).out, new RegExp(`\n${id} .* cancelled +14 +10 +4\n`));
});

test('Ctrl-C offers it: yes ends the job', async () => {
  const mark = office.simulator.log.entries.length;
  // The devices answer when the hub is told to end the job.
  const cancelled = office.simulator.log.waitFor(
    ({ event, reason = '' }) => event === 'request' && /^POST \/jobs.*cancel/.test(reason),
    60_000,
    mark,
  );
  const [{ out, err }] = await Promise.all([
    office.enroll(job, { interruptAt: 'asked ', isTTY: true, answer: 'y' }),
    cancelled.then(() => fleet.release()),
  ]);
  assert.match(err, /End the job in the hub as well\? Then no further device is called\. \[y\/N\] y\n/);
  assert.match(out, /\n {5}4 {2}the job was cancelled before\n {8}gw-11, gw-12, gw-13, gw-14\n/);
  assert.doesNotMatch(out, /goes on in the hub/);
  assert.equal(methods(mark), 10);
});

test('a request by name has no job: it is said where to look', async () => {
  fleet.release();
  const { out } = await office.enroll(['reprovision', 'gw-01', '--action', 'roll', '--wait', '0']);
  const { said, code } = await office.enroll(['cancel', idIn(out)]);
  assert.match(said, /has no job of enroll-roll-ana-\w+: .* -> Called by name, .*: enroll show job enroll-roll-ana-/);
  assert.equal(code, 1);
});
