import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { NEXT, SdkGateway } from './sdk-gateway.ts';
import { staged } from './stage.ts';

const office = await staged(true);

test('reprovision: a gateway that is back on its old leaf, as DPS refuses the new one, is not done, and called again', async (t) => {
  const gateways = [new SdkGateway(office.simulator, 'gw-1', 'parked'), new SdkGateway(office.simulator, 'gw-2')];
  t.after(() => Promise.all(gateways.map((one) => one.close())));
  for (const one of gateways) await one.connect();
  const report = join(office.directory, 'parked.json');
  const { code, out } = await office.enroll(['reprovision', 'gw-1', 'gw-2', '--report', report]);
  assert.match(
    out,
    new RegExp(
      `\\nEnded otherwise:\\n {5}1 {2}on the previous leaf \\(NL-DPS-401002\\), its new leaf waits\\n {8}gw-1\\n {8}${NEXT}\\n`,
    ),
  );
  assert.match(
    out,
    /\n {2}enroll set-secondary gw-1 --from-device\n(?:.*\n){3} {2}enroll reprovision --retry \S+parked\.json\n/,
  );
  assert.match(out, /\n2 devices: 1 came back, 1 otherwise, 0 did not come back, 0 not asked\.\n$/);
  assert.equal(code, 1);
  const [parked] = JSON.parse(await readFile(report, 'utf8')).devices;
  assert.deepEqual([parked.deviceId, parked.result, parked.next], ['gw-1', 'otherwise', NEXT]);
  const again = await office.enroll(['reprovision', '--retry', report, '--yes', '--dry-run']);
  assert.match(again.out, /\nreprovision \(register\) of 1 device: gw-1\n/);
});

describe('disabled enrollments: each command that is printed is a cure, or names one', () => {
  test('reprovision of a gateway whose enrollment is disabled: allow it, and no other leaf', async (t) => {
    const gateway = new SdkGateway(office.simulator, 'gw-6', 'barred');
    t.after(() => gateway.close());
    await gateway.connect();
    const { out } = await office.enroll(['reprovision', 'gw-6']);
    assert.match(out, /\(NL-DPS-DISABLED\), its new leaf waits\n/);
    assert.match(
      out,
      /: the enrollment is disabled\..*\n {2}enroll allow member gw-6\n(?:.*\n){2} {2}enroll reprovision --retry enroll-\S+\n/,
    );
    assert.doesNotMatch(out, /set-secondary/);
  });

  test('set-secondary for a member that is barred, by name and by condition: allow it', async (t) => {
    const gateway = new SdkGateway(office.simulator, 'gw-7', 'parked');
    t.after(() => gateway.close());
    await gateway.connect();
    await office.enroll(['disallow', 'member', 'gw-7', '--yes']);
    const one = await office.enroll(['set-secondary', 'gw-7', '--certificate', (await office.leaf('gw-7')).file]);
    assert.match(one.said, /The enrollment is disabled, and bars the device .* -> .*: enroll allow member gw-7 $/);
    assert.equal((await office.enroll(['allow', 'member', 'gw-7', '--yes'])).code, 0);
  });

  test('set-secondary for a member of a group, by its leaf: the CA is admitted in its place', async () => {
    const { said } = await office.enroll(['set-secondary', 'gw-7', '--from-device']);
    assert.match(
      said,
      /has no enrollment "gw-7"\. -> For members .*: enroll roll-group intermediate NAME --certificate/,
    );
  });

  test('allow device of a device without an enrollment of its own does not advise to bar it', async () => {
    const { said } = await office.enroll(['allow', 'device', 'gw-7', '--yes']);
    assert.doesNotMatch(said, /disallow/);
    assert.match(said, /no enrollment of its own bars it: see its group \(enroll list groups\)/);
  });

  test('a second certificate for a disabled enrollment: it is said that DPS admits neither', async () => {
    const { file } = await office.leaf('gw-8');
    await office.enroll(['add', 'individual', '--certificate', file]);
    await office.enroll(['disallow', 'device', 'gw-8', '--yes']);
    const second = await office.leaf('gw-8', 'gw-8-next');
    const { out } = await office.enroll(['set-secondary', 'gw-8', '--certificate', second.file]);
    assert.match(out, /DPS admits neither certificate\. Allow it: enroll allow device gw-8\./);
  });
});
