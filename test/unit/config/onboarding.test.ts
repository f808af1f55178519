import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig, x509Of } from '../../../agent/config/config.ts';
import { complaints } from './complaints.ts';
import { LEAST } from './least.ts';

const BY_TPM = '[dps]\nid_scope = "0ne0"\nregistration_id = "gw-1"\nattestation = "tpm"\n';

test('where Azure issues the leaves, DPS knows the gateway by a key or by the TPM', () => {
  const azure = (onboarding: string) => `${LEAST.replace('inbox', 'azure')}[onboarding]\n${onboarding}`;
  const [key, tpm] = ['key = "pkcs11:object=factory"\n', 'tpm = "/dev/tpmrm0"\n'];
  const choice = (onboarding: string) => x509Of(parseConfig(azure(onboarding), 'FILE').config).issuer;
  const versions = { dps_api_version: '2026-11-02-preview', hub_api_version: '2025-08-01-preview' };
  const byTpm = { key: undefined, certificate: undefined, tpm: '/dev/tpmrm0' };
  assert.deepEqual(choice(tpm), { kind: 'azure', ...versions, ...byTpm });
  const byKey = { key: 'pkcs11:object=factory', certificate: undefined, tpm: undefined };
  assert.deepEqual(choice(key), { kind: 'azure', ...versions, ...byKey });
  const rows: readonly (readonly [onboarding: string, complaint: RegExp])[] = [
    ['', /^\d+: onboarding\.key must be set \(or onboarding\.tpm\), so that DPS knows this gateway\.$/],
    [
      `${key}${tpm}`,
      /^\d+: onboarding\.tpm must be removed, or onboarding\.key: DPS knows this gateway by one of them\.$/,
    ],
    [`${tpm}certificate = "/etc/c.pem"\n`, /^\d+: onboarding\.certificate must be removed: a TPM .* no certificate\.$/],
    ['tpm = "tpm0"\n', /^\d+: onboarding\.tpm must be a device file/],
  ];
  for (const [onboarding, complaint] of rows) {
    const [said = '', ...more] = complaints(azure(onboarding));
    assert.match(said, complaint);
    assert.deepEqual(
      more.filter((one) => !/must be set/.test(one)),
      [],
    );
  }
  assert.deepEqual(complaints(`${BY_TPM}[leaf]\nissuer = "azure"\n`), [], 'attestation by the TPM has no issuer');
});
