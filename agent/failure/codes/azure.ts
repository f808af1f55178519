import { brokenCode, type CodeEntry, refusedCode, transientCode } from './code.ts';

/** Leaves that Azure issues, and the onboarding identity, which is for DPS only. */
export const AZURE = {
  'NL-AZURE-POLICY': refusedCode(
    'DPS assigned a hub and issued no leaf: the enrollment of this gateway names no certificate policy, or is an individual one, which may issue none.',
    'Operator: name namespace, CA and policy in an enrollment group of this gateway, and delete an individual enrollment that stands before it; then `newleaf roll`.',
  ),
  'NL-AZURE-PENDING': transientCode('The hub has accepted the request for a leaf, and issues it later.'),
  'NL-AZURE-REFUSED': refusedCode(
    'Azure does not issue a leaf for this request.',
    'Operator: compare the words of Azure in the message with leaf.key_type (ec-p384 is documented) and dps.registration_id; then `newleaf roll`.',
  ),
  'NL-AZURE-BUSY': transientCode('The hub issues no leaf at the moment (429 or 5xx).'),
  'NL-AZURE-SILENT': transientCode('The hub did not answer the request for a leaf.'),
  'NL-AZURE-BODY': transientCode(
    'The answer of Azure holds no certificates that can be read.',
    'If it lasts, report it with the log: `journalctl -u newleaf`.',
  ),
  'NL-AZURE-PACE': transientCode(
    'Three leaves were asked for within an hour: no other one is asked for before the hour is over.',
    'newleaf asks again by itself then. If the leaves do not serve, the log says why: `journalctl -u newleaf`.',
  ),
  'NL-AZURE-MQTT5': refusedCode(
    'DPS assigned a hub that speaks MQTT 5, and newleaf speaks MQTT 3.1.1.',
    'Operator: link a hub without MQTT 5 to the namespace, and have the enrollment assign it; then `newleaf reprovision`.',
  ),
  'NL-ONBOARDING-KEY': brokenCode(
    'The key that onboarding.key names is not in the token.',
    'Is it the right token? Correct onboarding.key; if the key is lost, have another one enrolled in DPS.',
  ),
  'NL-ONBOARDING-LEAF': brokenCode(
    'The onboarding certificate cannot be read, or does not belong to the key that onboarding.key names.',
    'Correct onboarding.certificate; without it the certificate stands beside the key in the token, with the same CKA_ID.',
  ),
  'NL-ONBOARDING-EXPIRED': refusedCode(
    'The onboarding certificate has expired, so DPS accepts it no more. The leaf is renewed over the hub as long as it is valid.',
    'Have a new certificate issued for `newleaf csr --onboarding`, and see that its issuer is enrolled in DPS; then `newleaf install --onboarding FILE`.',
  ),
  'NL-ONBOARDING-EXPIRING': transientCode(
    'The onboarding certificate nears its end.',
    'Have a new certificate issued for `newleaf csr --onboarding`, and see that its issuer is enrolled in DPS; then `newleaf install --onboarding FILE`.',
  ),
} as const satisfies Record<string, CodeEntry>;
