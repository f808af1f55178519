import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Enrollment } from '../../../scripts/enrollment/dps.ts';
import type { Called, Ended } from '../../../scripts/enrollment/fleet.ts';
import { difference, shown } from '../../../scripts/enrollment/screen.ts';
import type { Slot } from '../../../scripts/enrollment/slots.ts';
import { report } from '../../../scripts/enrollment/tally.ts';

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
`,
  ],
  [
    'a secondary comes',
    difference(device, { ...device, slots: { primary: old, secondary: young } }),
    `Individual enrollment gw-0001
    status     enabled
    primary    AAAAAAAAAAAAAAAA…  CN=gw-0001, issued by CN=issuing CA, until 2026-12-31
  - secondary  (none)
  + secondary  BBBBBBBBBBBBBBBB…  CN=gw-0001, issued by CN=issuing CA, until 2027-12-31
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
`,
  ],
  [
    'a group is barred',
    difference(group, { ...group, status: 'disabled' }),
    `Enrollment group gateways
  - status     enabled
  + status     disabled
    primary    verified CA "root-1"
    secondary  (none)
`,
  ],
  [
    'a device is enrolled',
    difference(undefined, device),
    `Individual enrollment gw-0001
  + status     enabled
  + primary    AAAAAAAAAAAAAAAA…  CN=gw-0001, issued by CN=issuing CA, until 2026-12-31
  + secondary  (none)
`,
  ],
  [
    'a barring enrollment is deleted',
    difference({ ...device, status: 'disabled', attestation: 'symmetricKey', slots: {} }, undefined),
    `Individual enrollment gw-0001
  - status     disabled
  - primary    (attestation: symmetricKey)
  - secondary  (none)
`,
  ],
  [
    'a name with an escape sequence is not obeyed',
    shown({ ...group, id: 'gate\u001b[2Jways', slots: { primary: { kind: 'ca', name: 'root\u0007' } } }),
    `Enrollment group gate?[2Jways
    status     enabled
    primary    verified CA "root?"
    secondary  (none)
`,
  ],
];
for (const [what, text, golden] of screens) test(what, () => assert.equal(text, golden));

test('the end of a fleet is counted, and everyone who is not well is named', () => {
  const called: Called[] = [
    { deviceId: 'gw-1' },
    { deviceId: 'gw-2' },
    { deviceId: 'gw-3' },
    { deviceId: 'gw-4', refused: '404103 DeviceNotOnline: gw-4' },
    { deviceId: 'gw-5' },
    { deviceId: 'gw-6' },
  ];
  const ended: Ended[] = [
    { deviceId: 'gw-1', outcome: 'done' },
    { deviceId: 'gw-2', outcome: 'kept', code: 'NL-DPS-401002' },
    { deviceId: 'gw-5', outcome: 'gone' },
    { deviceId: 'gw-6', outcome: 'person', code: 'NL-DPS-401002', parked: 'AB12' },
  ];
  assert.equal(
    report(called, { ended, missing: [{ deviceId: 'gw-3', why: 'not connected' }], waitedMs: 300_400 }),
    `6 devices: 1 came back, 3 otherwise, 1 did not come back, 1 not asked.

Ended otherwise:
  gw-2  on the previous leaf (NL-DPS-401002)
  gw-5  not in this hub any more: moved to another one, or deleted
  gw-6  a person is needed (NL-DPS-401002), its new leaf AB12 waits

Enroll the new leaf, which the device sends, or the CA that issued it:
  enroll set-secondary DEVICE --from-device
  enroll reprovision DEVICE

Did not come back within 300 s:
  gw-3  not connected

Not asked:
  gw-4  404103 DeviceNotOnline: gw-4
`,
  );
});
