import assert from 'node:assert/strict';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { SdkGateway } from './sdk-gateway.ts';
import { idIn, stagedFleet } from './stage.ts';

const ids = ['gw-1', 'gw-2', 'gw-3'];
const { office, fleet } = await stagedFleet([...ids, 'gw-4'], ids);

const state = (): string => join(office.directory, 'state', 'newleaf-enroll');
const reports = (): Promise<string[]> => readdir(join(state(), 'requests'));
const job = (...more: string[]) => ['reprovision', '--job', "deviceId IN ['gw-1', 'gw-2', 'gw-4']", '--yes', ...more];

test('the report is there before the first call, with who, what and the names, also where that call is refused', async () => {
  await office.simulator.lay('hub1', 'rest-status', { status: 401 });
  // One device: a call to a second one may still be under way when the first is refused.
  const { code } = await office.enroll(['reprovision', 'gw-1', '--action', 'roll']);
  await office.simulator.lift('hub1', 'rest-status');
  assert.equal(code, 1);
  const [name = ''] = await reports();
  const report = JSON.parse(await readFile(join(state(), 'requests', name), 'utf8'));
  assert.match(name, /^enroll-roll-ana-\w+\.json$/);
  assert.deepEqual([report.state, report.by, report.action, report.sum.waiting], ['begun', 'ana', 'roll', 1]);
  assert.equal(report.id, name.replace('.json', ''));
  // What is not known to be done is called again, by the ID.
  const { out } = await office.enroll(['reprovision', '--retry', report.id, '--yes']);
  assert.match(out, /not done: 1 of 1\.\n.*\n1 device: 1 came back/);
});

test('requests of two operators, of jobs and by name, from the hub and the twins alone', async () => {
  await office.enroll(job('--action', 'roll'), { isHurried: true });
  const ben = { ...office.env, NEWLEAF_OPERATOR: 'Ben Müller', XDG_STATE_HOME: join(office.directory, 'ben') };
  await office.enroll(['reprovision', 'gw-3'], { env: ben });
  await rm(state(), { recursive: true });
  const { out, code } = await office.enroll(['list', 'jobs']);
  assert.equal(code, 0);
  assert.match(out, /^REQUEST +BY +BEGUN +ACTION +STATE +DEVICES +TAKEN +FAILED\n/);
  assert.match(out, /\nenroll-register-benmller-\w+ +benmller +20\d\d-\S+ \S+ UTC +register +by-name +1 +- +-\n/);
  assert.match(out, /\nenroll-roll-ana-\w+ +ana +20.* UTC +roll +completed +3 +2 +1\n/);
  assert.match(out, /\n\d requests\.\n$/);
  const id = /enroll-roll-ana-\w+(?= .*completed)/.exec(out)?.[0] ?? '';
  const shown = await office.enroll(['show', 'job', id]);
  assert.match(shown.out, /^enroll-roll-ana-\w+: roll, begun by ana, 20.* UTC\.\nCondition: deviceId IN \[.*\]\n/);
  assert.match(shown.out, /\n1 job of the hub, completed: 2 of 3 devices took the call, 1 did not\.\n/);
  assert.match(shown.out, /\nNot asked:\n {5}1 {2}not connected \(404103\)\n {8}gw-4\n/);
  assert.match(shown.out, /\n3 devices: 2 came back, 0 otherwise, 0 did not come back, 1 not asked\.\n$/);
  const named = await office.enroll(['show', 'job', idIn(/enroll-register-ben\S+/.exec(out)?.[0] ?? '')]);
  assert.match(named.out, /Called by name\. 1 device tell of it as their last request\.\n1 device: 1 came back/);
  const { devices } = JSON.parse((await office.enroll(['show', 'job', id, '--json'])).out);
  assert.equal(devices.length, 3);
});

test('a lost laptop: a job is called again by its ID alone, and only where it is not done', async () => {
  const { out } = await office.enroll(job());
  assert.match(
    out,
    /\nTo call only those again that are not done:\n {2}enroll reprovision --retry enroll-register-ana-\w+\n/,
  );
  await rm(state(), { recursive: true });
  const again = await office.enroll(['reprovision', '--retry', idIn(out), '--yes', '--dry-run']);
  assert.match(again.out, /not done: 1 of 3\.\nreprovision \(register\) of 1 device: gw-4\n/);
  const unknown = await office.enroll(['show', 'job', 'enroll-roll-ana-1']);
  assert.match(unknown.said, /has no trace of enroll-roll-ana-1: .* -> Requests that it knows: enroll list jobs/);
});

test('busy with the request of another operator: its ID, who, and when', async (t) => {
  await office.simulator.enrollGroup({ groupId: 'gateways', primary: office.simulator.endpoints.issuerPem });
  const busy = new SdkGateway(office.simulator, 'gw-9', 'busy', 'enroll-roll-ben-mx2b0000');
  t.after(() => busy.close());
  await busy.connect();
  const { out } = await office.enroll(['reprovision', 'gw-9']);
  assert.match(out, /\n {5}1 {2}busy with enroll-roll-ben-mx2b0000, begun by ben 2026-11-29 \d\d:\d\d UTC\s+\(409\)\n/);
});

test('show device: the last requests, of its jobs and of its twin', async () => {
  const { out } = await office.enroll(['show', 'device', 'gw-1']);
  assert.match(
    out,
    /\nLast requests of operators\n {4}20\S+ \S+ UTC {2}register by ana: done \(completed\), enroll-\S+\n {4}20/,
  );
  const { requests } = JSON.parse((await office.enroll(['show', 'device', 'gw-3', '--json'])).out);
  assert.deepEqual([requests[0].state, requests[0].outcome], ['by-name', 'done']);
});

test('what is written into DPS is in the log, before and after, and the intent before DPS is asked', async () => {
  const { file } = await office.leaf('gw-7');
  const log = join(office.directory, 'own.jsonl');
  await office.enroll(['add', 'individual', '--certificate', file, '--log', log]);
  await office.enroll(['disallow', 'device', 'gw-7', '--yes', '--log', log]);
  await office.simulator.lay('dps', 'rest-status', { status: 403, times: 1 });
  await office.enroll(['disallow', 'member', 'gw-8', '--yes', '--log', log]);
  await office.enroll(['disallow', 'member', 'gw-8', '--yes', '--log', log]);
  const text = await readFile(log, 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ event, by, id, before: was, after: is }) => [
      event,
      by,
      id,
      was?.provisioningStatus,
      is?.provisioningStatus,
    ]),
    [
      ['begun', 'ana', 'gw-7', undefined, 'enabled'],
      ['done', 'ana', 'gw-7', undefined, 'enabled'],
      ['begun', 'ana', 'gw-7', 'enabled', 'disabled'],
      ['done', 'ana', 'gw-7', 'enabled', 'disabled'],
      ['begun', 'ana', 'gw-8', undefined, 'disabled'],
      ['done', 'ana', 'gw-8', undefined, 'disabled'],
    ],
  );
  assert.doesNotMatch(text, /primaryKey/);
  const nowhere = await office.enroll(['delete', 'individual', 'gw-7', '--yes', '--log', '/nowhere/dps.jsonl']);
  assert.match(
    nowhere.said,
    /^Nothing was written into DPS: \/nowhere\/dps\.jsonl cannot be written: .* -> Name another/,
  );
  assert.ok(office.simulator.enrollments.individuals.has('gw-7'));
  await office.enroll(['delete', 'individual', 'gw-7', '--yes']);
  const own = (await readFile(join(state(), 'dps.jsonl'), 'utf8')).trim().split('\n');
  assert.deepEqual([own.length, JSON.parse(own[1] ?? '').after], [2, null]);
});

test('called again by two operators, one after the other: what is done is not done twice', async () => {
  fleet.parked.add('gw-1');
  const { out } = await office.enroll(job('--action', 'roll'), { isHurried: true });
  assert.match(out, /\n3 devices: 1 came back, 1 otherwise, 0 did not come back, 1 not asked\.\n$/);
  fleet.parked.clear();
  await fleet.connect(['gw-4']);
  const first = await office.enroll(['reprovision', '--retry', idIn(out), '--yes']);
  assert.match(first.out, /not done: 2 of 3\.\n.*\n2 devices: 2 came back/s);
  const ben = { ...office.env, NEWLEAF_OPERATOR: 'ben', XDG_STATE_HOME: join(office.directory, 'ben') };
  const second = await office.enroll(['reprovision', '--retry', idIn(out), '--yes'], { env: ben });
  assert.match(second.out, /not done: 0 of 3\.\nNo device was called\.\n$/);
  const shown = await office.enroll(['show', 'job', idIn(out)]);
  assert.match(shown.out, /\n3 devices: 3 came back, 0 otherwise, 0 did not come back, 0 not asked\.\n$/);
});
