import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enrollCommand, renderEndorsement } from '../../../agent/cli/tpm.ts';

const endorsement = {
  registrationId: 'gw-0001',
  endorsementKey: 'AToA'.repeat(105),
  storageRootKey: 'ARoA'.repeat(94),
};
const screen = { width: 60, isColoured: false, isUnicode: false };

test('the command is one that can be pasted, with the name of the DPS instance as the only thing to fill in', () => {
  const { endorsementKey } = endorsement;
  assert.equal(
    enrollCommand(endorsement),
    `az iot dps enrollment create --dps-name DPS --enrollment-id gw-0001 --attestation-type tpm --endorsement-key ${endorsementKey}`,
  );
});

test('keys and command stand each on a line of their own, however narrow the screen; everything else fits it', () => {
  const lines = renderEndorsement(endorsement, screen).split('\n');
  const { endorsementKey, storageRootKey } = endorsement;
  assert.deepEqual(lines.slice(0, 3), [
    'Registration ID   gw-0001',
    `Endorsement key   ${endorsementKey}`,
    `Storage root key  ${storageRootKey}`,
  ]);
  const long = lines.filter((line) => line.length > screen.width);
  assert.deepEqual(long, [...lines.slice(1, 3), enrollCommand(endorsement)]);
});
