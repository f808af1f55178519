import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { staged } from './stage.ts';

const office = await staged();
const LEAF = 'AB'.repeat(32);
const NEXT = 'CD'.repeat(32);
const leaf = (notAfter: string) => ({ thumbprint: LEAF, notAfter, label: 'newleaf-a', issuer: 'CA' });

const { simulator } = office;
const { hub1 } = simulator.registries;
const issuer = await office.file('issuer.pem', simulator.endpoints.issuerPem);
await office.enroll(['add', 'group', 'gateways', '--certificate', issuer, '--hub-host', 'one.azure-devices.net']);
const { file } = await office.leaf('gw-1');
await office.enroll(['add', 'individual', '--certificate', file]);
for (const id of ['gw-1', 'gw-2', 'gw-3', 'gw-4']) await simulator.writeDevice('hub1', id, LEAF);
hub1.patchReported('gw-1', {
  newleaf: {
    version: '1.2.3',
    phase: 'serving',
    leaf: leaf('2099-01-01T00:00:00.000Z'),
    last: { id: 'a', action: 'roll', reason: 'asked', outcome: 'done', at: '2026-11-27T00:00:00.000Z' },
  },
});
hub1.patchReported('gw-2', {
  newleaf: {
    version: '1.2.3',
    phase: 'serving',
    leaf: leaf('2020-01-01T00:00:00.000Z'),
    next: { thumbprint: NEXT, standing: 'parked', code: 'NL-DPS-401002' },
    alarm: 'expired',
    uplink: { programs: 2, codes: ['NL-UPLINK-QUEUE'] },
    last: {
      id: 'a',
      action: 'roll',
      reason: 'due',
      outcome: 'person',
      code: 'NL-DPS-401002',
      at: '2026-11-27T00:00:00Z',
    },
  },
});
hub1.patchReported('gw-3', { newleaf: { version: '1.2.2', phase: 'stranded' } });
hub1.patchTags('gw-3', { site: 'north' });

describe('list', () => {
  test('devices: what their newleaf reports', async () => {
    const { code, out } = await office.enroll(['list', 'devices']);
    assert.equal(
      out,
      `DEVICE  HUB      PHASE     LEAF ENDS   NEXT    ALARM    LAST
gw-1    offline  serving   2099-01-01  -       -        done
gw-2    offline  serving   2020-01-01  parked  expired  person NL-DPS-401002
gw-3    offline  stranded  -           -       -        -
gw-4    offline  -         -           -       -        -
4 devices.
`,
    );
    assert.equal(code, 0);
  });

  test('devices that meet a condition, as JSON', async () => {
    const { out } = await office.enroll(['list', 'devices', '--where', "tags.site = 'north'", '--json']);
    assert.deepEqual(JSON.parse(out), {
      schema: 1,
      devices: [
        {
          deviceId: 'gw-3',
          status: 'enabled',
          connected: false,
          newleaf: { version: '1.2.2', phase: 'stranded' },
        },
      ],
    });
  });

  test('devices whose leaf ends soon: counted here, or by a condition for a job', async () => {
    const ids = async (...options: string[]) => {
      const { devices } = JSON.parse((await office.enroll(['list', 'devices', '--json', ...options])).out);
      return devices.map(({ deviceId }: { readonly deviceId: string }) => deviceId);
    };
    assert.deepEqual(await ids('--days', '30'), ['gw-2']);
    assert.deepEqual(await ids('--days', '40000'), ['gw-1', 'gw-2']);
    const notAfter = 'properties.reported.newleaf.leaf.notAfter';
    assert.deepEqual(await ids('--where', `${notAfter} < '2026-12-25'`), ['gw-2']);
    assert.deepEqual(await ids('--where', `${notAfter} < '2099-01-01'`), ['gw-2']);
    assert.deepEqual(await ids('--where', `${notAfter} < '2099-01-02'`), ['gw-1', 'gw-2']);
    assert.equal(
      (await office.enroll(['list', 'devices', '--days', '0', '--where', "deviceId = 'gw-1'"])).out,
      '0 devices.\n',
    );
  });

  test('no device is no fault: an empty list, and zeros', async () => {
    const where = ['--where', "tags.site = 'south'"];
    const listed = await office.enroll(['list', 'devices', ...where]);
    const told = await office.enroll(['list', 'devices', ...where, '--json']);
    const numbers = await office.enroll(['fleet', ...where, '--json']);
    assert.deepEqual([listed.out, listed.code], ['0 devices.\n', 0]);
    assert.deepEqual([JSON.parse(told.out), told.code], [{ schema: 1, devices: [] }, 0]);
    assert.deepEqual([JSON.parse(numbers.out).devices, numbers.code], [0, 0]);
    const shown = await office.enroll(['fleet', ...where]);
    assert.match(shown.out, /^devices {4}0: 0 connected/);
  });

  test('individuals, groups, and those that have registered as members', async () => {
    const individuals = await office.enroll(['list', 'individuals']);
    assert.match(
      individuals.out,
      /^NAME +STATUS +ATTESTATION +PRIMARY +SECONDARY\ngw-1 +enabled +x509 +until 20\d\d-\d\d-\d\d {2}-\n1 individual\.\n$/,
    );
    const groups = JSON.parse((await office.enroll(['list', 'groups', '--json'])).out);
    assert.deepEqual(
      [groups.groups.length, groups.groups[0].id, groups.groups[0].primary.kind],
      [1, 'gateways', 'certificate'],
    );
    const registrations = await office.enroll(['list', 'registrations', 'gateways']);
    assert.equal(registrations.out, '0 registrations.\n');
  });
});

test('how the fleet is, in numbers', async () => {
  const { out, code } = await office.enroll(['fleet']);
  assert.equal(
    out,
    `devices    4: 0 connected, 0 disabled, 1 without newleaf
phase      2 serving, 1 stranded
next leaf  1 parked
leaf ends  1 within 30 days, 1 of them ended
alarm      1 expired
last       1 done, 1 person
codes      1 NL-DPS-401002
programs   faults: 1 NL-UPLINK-QUEUE
version    2 1.2.3, 1 1.2.2
`,
  );
  assert.equal(code, 0);
  const { phase, endsWithinDays } = JSON.parse((await office.enroll(['fleet', '--json', '--days', '40000'])).out);
  assert.deepEqual(
    [phase, endsWithinDays],
    [
      { serving: 2, stranded: 1 },
      { days: 40_000, devices: 2 },
    ],
  );
});

test('"kept" is explained where it is shown, and its code is counted', async () => {
  const { hub1 } = office.simulator.registries;
  hub1.patchReported('gw-3', { newleaf: { last: { id: 'a', outcome: 'kept', code: 'NL-EST-AUTH' } } });
  const explained = /\nkept: the last request failed, and the leaf before it serves on\.\n/;
  assert.match((await office.enroll(['list', 'devices'])).out, explained);
  const { out } = await office.enroll(['fleet']);
  assert.match(out, explained);
  assert.match(out, /\ncodes {6}1 NL-DPS-401002, 1 NL-EST-AUTH\n/);
  hub1.patchReported('gw-3', { newleaf: { last: null } });
});

test('leaves: who holds which, with the onboarding certificate where there is one', async () => {
  const { hub1 } = office.simulator.registries;
  const own = { serial: '0A1B', issuer: 'newleaf ica-1' };
  const onboarding = { thumbprint: NEXT, notAfter: '2031-01-01T00:00:00.000Z' };
  const before = await office.enroll(['list', 'leaves']);
  assert.match(before.out, /^DEVICE {2}ENDS {8}ISSUER {2}SERIAL {2}THUMBPRINT\ngw-1 {4}2099-01-01 {2}CA {6}- /);
  hub1.patchReported('gw-1', { newleaf: { leaf: own, onboarding } });
  const { out } = await office.enroll(['list', 'leaves']);
  assert.match(
    out,
    /^DEVICE .* THUMBPRINT +ONBOARDING ENDS\ngw-1 +2099-01-01 +newleaf ica-1 +0A1B +(AB){32} +2031-01-01\ngw-2 +2020-01-01 +CA +- +(AB){32} +-\n2 devices\.\n$/,
  );
  const { devices } = JSON.parse((await office.enroll(['list', 'leaves', '--json', '--days', '40000'])).out);
  assert.deepEqual(devices[0], { deviceId: 'gw-1', ...leaf('2099-01-01T00:00:00.000Z'), ...own, onboarding });
  assert.match(
    (await office.enroll(['fleet'])).out,
    /\nonboarding 0 of 1 certificates end within 30 days, 0 of them ended\n/,
  );
  const { onboarding: sum } = JSON.parse((await office.enroll(['fleet', '--json', '--days', '40000'])).out);
  assert.deepEqual(sum, { devices: 1, expired: 0, endsWithinDays: 1 });
  const shown = await office.enroll(['show', 'device', 'gw-1']);
  assert.match(shown.out, /\n {4}serial {5}0A1B\n {4}onboarding {1}CDCDCDCDCDCDCDCD\.\.\., until 2031-01-01\n/);
  hub1.patchReported('gw-1', {
    newleaf: { leaf: { ...leaf('2099-01-01T00:00:00.000Z'), serial: null }, onboarding: null },
  });
});

describe('show', () => {
  test('device: known by a CA', async () => {
    await office.simulator.writeCaDevice('hub1', 'gw-5');
    const { out } = await office.enroll(['show', 'device', 'gw-5']);
    assert.match(out, /\n {4}leaf {7}any of its CA, which the hub trusts\n/);
    await office.simulator.forget('gw-5');
  });

  test('device: what its newleaf reports, and whether hub and enrollment hold that leaf', async () => {
    const { out } = await office.enroll(['show', 'device', 'gw-1']);
    assert.match(
      out,
      /\nIts newleaf reports\n {4}phase {6}serving, newleaf 1\.2\.3\n {4}leaf {7}ABABABABABABABAB\.\.\., until 2099-01-01, the hub has it, the enrollment has ANOTHER\n {4}last {7}roll: done, 2026-11-27T00:00:00\.000Z\n$/,
    );
    const parked = await office.enroll(['show', 'device', 'gw-2']);
    assert.match(parked.out, new RegExp(`\n {4}next {7}${NEXT}, parked \\(NL-DPS-401002\\)\n {4}alarm {6}expired\n`));
    assert.match(parked.out, /\n {4}last {7}roll: a person is needed \(NL-DPS-401002\), 2026-11-27/);
    assert.match(parked.out, /\n {4}programs {3}2 NL-UPLINK-QUEUE\n$/);
  });

  test('device and group as JSON', async () => {
    const device = JSON.parse((await office.enroll(['show', 'device', 'gw-1', '--json'])).out);
    assert.deepEqual(Object.keys(device), [
      'schema',
      'id',
      'enrollment',
      'identity',
      'newleaf',
      'requests',
      'admitted',
    ]);
    assert.deepEqual(device.admitted, { hub: true, dps: false });
    const group = JSON.parse((await office.enroll(['show', 'group', 'gateways', '--json'])).out);
    assert.deepEqual([group.id, group.hubs], ['gateways', ['one.azure-devices.net']]);
  });
});

describe('the error of an unknown name says the next step', () => {
  const rows = [
    [
      'set-secondary gw-9',
      /DPS has no enrollment "gw-9"\. -> Enroll it: enroll add individual --certificate FILE\. See what is there: enroll list individuals/,
    ],
    ['promote gw-9', /DPS has no enrollment "gw-9"/],
    ['show group trucks', /DPS has no enrollment group "trucks"/],
    ['allow group trucks', /-> Enroll it: enroll add group trucks .*enroll list groups/],
    ['forget gw-9', /This hub has no device "gw-9"\. -> See what it has: enroll list devices/],
    ['show device gw-9', /"gw-9" is not known\. -> See what is there: enroll list individuals, or enroll list devices/],
    ['delete group trucks', /enroll list groups/],
    ['list registrations trucks', /DPS has no enrollment group "trucks"\. -> Enroll it: .* --certificate FILE\./],
  ] as const;
  for (const [line, told] of rows) {
    test(line, async () => {
      const { code, said } = await office.enroll(line.split(' '));
      assert.match(said, told);
      assert.equal(code, 1);
    });
  }
});

test('delete asks, tells what happens to the devices, and deletes', async () => {
  const kept = await office.enroll(['delete', 'group', 'gateways'], { answer: 'no' });
  assert.match(
    kept.said,
    /Delete the group gateways\? Its members cannot register then, unless .* Nothing was changed\./,
  );
  assert.ok(office.simulator.enrollments.groups.has('gateways'));
  const { out, code } = await office.enroll(['delete', 'group', 'gateways', '--yes']);
  assert.match(out, / {2}- status +enabled\n/);
  assert.match(out, /Its members serve on until they must register\. .*: enroll forget DEVICE\n$/);
  assert.equal(code, 0);
  assert.ok(!office.simulator.enrollments.groups.has('gateways'));
  const individual = await office.enroll(['delete', 'individual', 'gw-1', '--yes']);
  assert.match(individual.out, /DPS no longer has an enrollment of gw-1\..*: enroll forget gw-1\n$/);
  assert.ok(!office.simulator.enrollments.individuals.has('gw-1'));
});
