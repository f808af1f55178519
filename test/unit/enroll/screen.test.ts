import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from '../../../scripts/enrollment/command.ts';
import { conclude } from '../../../scripts/enrollment/conclude.ts';
import type { Enrollment } from '../../../scripts/enrollment/enrollment.ts';
import { notAsked, type Outcome } from '../../../scripts/enrollment/outcome.ts';
import { difference, shown } from '../../../scripts/enrollment/screen.ts';
import type { Slot } from '../../../scripts/enrollment/slots.ts';
import { report, sumText } from '../../../scripts/enrollment/tally.ts';

const leaf = (digit: string, until: string): Slot => ({
  kind: 'certificate',
  thumbprint: digit.repeat(64),
  subject: 'CN=gw-0001',
  issuer: 'CN=issuing CA',
  notAfter: `${until}T00:00:00Z`,
});
const [old, young] = [leaf('A', '2026-12-31'), leaf('B', '2027-12-31')];
const device: Enrollment = {
  kind: 'individual',
  id: 'gw-0001',
  status: 'enabled',
  attestation: 'x509',
  slots: { primary: old },
  body: {},
};
const group: Enrollment = {
  ...device,
  kind: 'group',
  id: 'gateways',
  slots: { primary: { kind: 'ca', name: 'root-1' } },
};

const screens: readonly (readonly [what: string, text: string, golden: string])[] = [
  [
    'as it is',
    shown(device),
    `Individual enrollment gw-0001
    status     enabled
    primary    AAAAAAAAAAAAAAAA…  CN=gw-0001, issued by CN=issuing CA, until 2026-12-31
    secondary  (none)
    hubs       (all that are linked)
`,
  ],
  [
    'the secondary is promoted',
    difference({ ...device, slots: { primary: old, secondary: young } }, { ...device, slots: { primary: young } }),
    `Individual enrollment gw-0001
    status     enabled
  - primary    AAAAAAAAAAAAAAAA…  CN=gw-0001, issued by CN=issuing CA, until 2026-12-31
  + primary    BBBBBBBBBBBBBBBB…  CN=gw-0001, issued by CN=issuing CA, until 2027-12-31
  - secondary  BBBBBBBBBBBBBBBB…  CN=gw-0001, issued by CN=issuing CA, until 2027-12-31
  + secondary  (none)
    hubs       (all that are linked)
`,
  ],
  [
    'a device is enrolled',
    difference(undefined, device),
    `Individual enrollment gw-0001
  + status     enabled
  + primary    AAAAAAAAAAAAAAAA…  CN=gw-0001, issued by CN=issuing CA, until 2026-12-31
  + secondary  (none)
  + hubs       (all that are linked)
`,
  ],
  [
    'a barring enrollment is deleted',
    difference({ ...device, status: 'disabled', attestation: 'symmetricKey', slots: {} }, undefined),
    `Individual enrollment gw-0001
  - status     disabled
  - primary    (attestation: symmetricKey)
  - secondary  (none)
  - hubs       (all that are linked)
`,
  ],
  [
    'a name with an escape sequence is not obeyed',
    shown({
      ...group,
      id: 'gate\u001b[2Jways',
      slots: { primary: { kind: 'ca', name: 'root\u0007' } },
      body: { iotHubs: ['one.example'] },
    }),
    `Enrollment group gate?[2Jways
    status     enabled
    primary    verified CA "root?"
    secondary  (none)
    hubs       one.example
`,
  ],
];
for (const [what, text, golden] of screens) test(what, () => assert.equal(text, golden));

const SCREEN = { width: 80, isColoured: false, isUnicode: true };
const runOf = (devices: readonly Outcome[]) =>
  ({ id: 'enroll-roll-1', hub: 'hub', action: 'roll', at: '', delaySeconds: 0, devices }) as const;

test('those that are not done are told by reason, and the sum comes last', () => {
  const devices: Outcome[] = [
    { deviceId: 'gw-1', result: 'done' },
    { deviceId: 'gw-2', result: 'otherwise', reason: 'on the previous leaf (NL-EST-AUTH)', code: 'NL-EST-AUTH' },
    { deviceId: 'gw-6', result: 'otherwise', reason: 'a person is needed, its new leaf waits', next: 'AB'.repeat(32) },
    { deviceId: 'gw-3', result: 'waiting', reason: 'not connected' },
    ...Array.from({ length: 20 }, (_, at) => notAsked(`gw-1${at}`, `404103 DeviceNotOnline: gw-1${at}`)),
    notAsked('gw-5', 'Something about gw-5'),
    notAsked('gw-4', 'Something about gw-4'),
  ];
  const run = runOf(devices);
  assert.equal(
    `${report(run, 300_400, SCREEN)}${sumText(run, 300_400)}`,
    `Not asked:
    20  not connected (404103)
        gw-10, gw-11, gw-110, gw-111, gw-112, gw-113, gw-114 … and 13 more
     2  Something about DEVICE
        gw-4, gw-5
Did not come back within 300 s:
     1  not connected
        gw-3
Ended otherwise:
     1  on the previous leaf (NL-EST-AUTH)
        gw-2
     1  a person is needed, its new leaf waits
        gw-6
        ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB
Enroll the new leaf, which the device sends:
  enroll set-secondary gw-6 --from-device
Or, of a group, the CA that issued it:
  enroll roll-group intermediate NAME --certificate CA.pem
26 devices: 1 came back, 2 otherwise, 1 did not come back, 22 not asked.
`,
  );
});

test('more devices with a leaf that waits than a line has room for: by the condition that they met', () => {
  const devices = Array.from(
    { length: 21 },
    (_, at): Outcome => ({ deviceId: `gw-${at}`, result: 'otherwise', reason: 'its new leaf waits', next: 'AB' }),
  );
  const text = report(runOf(devices), 0, SCREEN, `tags.site = "north"`);
  assert.match(text, /\n {2}enroll set-secondary --where "tags\.site = \\"north\\"" --from-device\n/);
});

test('many reasons do not fill the screen: the largest are shown, and the others counted', () => {
  const devices = Array.from({ length: 30 }, (_, at) => notAsked(`gw-${at}`, `reason ${Math.floor(at ** 0.6)}`));
  const text = report(runOf(devices), 0, { ...SCREEN, isUnicode: false });
  assert.match(text, /\nAnd for 3 more reasons: 7 devices\.\n$/);
  assert.equal(text.split('\n').length, 13);
});

test('a job that goes on is not done, though all that are known of it are', async () => {
  const desk = { out: { write: () => true }, err: { write: () => true }, env: {} };
  const call = { desk, positionals: [], options: {} } as unknown as Call;
  assert.equal(await conclude(call, runOf([]), { waitedMs: 0, jobGoesOn: true, isJob: true }), 1);
});
