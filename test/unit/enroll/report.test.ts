import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SdkGateway } from './sdk-gateway.ts';
import { staged } from './stage.ts';

const office = await staged(true);

/** A gateway that comes back, until the end of the test. */
async function connected(context: TestContext, id: string): Promise<void> {
  const gateway = new SdkGateway(office.simulator, id);
  context.after(() => gateway.close());
  await gateway.connect();
}

test('a report that cannot be written is told before the first call; where its place goes meanwhile, that costs nothing else', async (context) => {
  await connected(context, 'gw-16');
  const before = office.simulator.log.matching({ event: 'method' }).length;
  for (const file of ['/nowhere/report.json', office.directory, '/dev/full']) {
    const wrong = await office.enroll(['reprovision', 'gw-16', '--report', file]);
    assert.match(
      wrong.said,
      /^No device was called: \S+ cannot be written: (there is no such file or directory|it is a directory|the disk is full)\. $/,
    );
    assert.equal(wrong.code, 2);
  }
  assert.equal(office.simulator.log.matching({ event: 'method' }).length, before);
  const [place, { log }] = [join(office.directory, 'place'), office.simulator];
  await mkdir(place);
  const mark = log.entries.length;
  const goes = async () => {
    await log.waitFor({ event: 'method' }, 60_000, mark);
    await rm(place, { recursive: true });
  };
  const [gone] = await Promise.all([
    office.enroll(['reprovision', 'gw-16', '--report', join(place, 'r.json')]),
    goes(),
  ]);
  assert.match(gone.out, /\n1 device: 1 came back/);
  assert.match(gone.said, /r\.json cannot be written: there is no such file/);
  assert.equal(gone.code, 1);
});

test('a report names its hub, and is not taken for another; one with nothing left calls no device', async (context) => {
  await connected(context, 'gw-10');
  const file = join(office.directory, 'report.json');
  await office.enroll(['reprovision', 'gw-10', '--action', 'roll', '--report', file]);
  const again = await office.enroll(['reprovision', '--retry', file, '--json']);
  assert.deepEqual([JSON.parse(again.out).devices, again.code], [[], 0]);
  assert.match(again.err, /: not done: 0 of 1\.\nNo device was called\.\n$/);
  const { hub } = JSON.parse(again.out);
  const { hub1Service, hub2Service } = office.simulator.endpoints;
  assert.ok(hub1Service.includes(`HostName=${hub};`), hub);
  const other = await office.enroll(['reprovision', '--retry', file, '--hub', hub2Service]);
  assert.match(other.said, /^This report is of the hub \S+, and --hub or NEWLEAF_HUB_CONNECTION leads to \S+\. $/);
  assert.deepEqual([other.code, other.out], [2, '']);
});

test('--retry: the names in order, and the bar counts those that are not reached', async (context) => {
  await connected(context, 'gw-17');
  for (const id of ['gw-18', 'gw-19']) await office.simulator.writeDevice('hub1', id, 'AB'.repeat(32));
  const file = join(office.directory, 'mixed.json');
  await office.enroll(['reprovision', 'gw-19', 'gw-18', '--report', file]);
  const { out, err, code } = await office.enroll(['reprovision', '--retry', file, '--report', file, '--yes']);
  assert.match(out, /\nreprovision \(register\) of 2 devices: gw-18, gw-19\n/);
  assert.equal(err, `asked   [${'#'.repeat(24)}] 2/2  2 failed\n`);
  assert.equal(code, 1);
});
