import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig, x509Of } from '../../../agent/config/config.ts';
import { complaints } from './complaints.ts';
import { LEAST } from './least.ts';

const BY_TPM = '[dps]\nid_scope = "0ne0"\nregistration_id = "gw-1"\nattestation = "tpm"\n';
const azure = (onboarding: string) => `${LEAST.replace('inbox', 'azure')}[onboarding]\n${onboarding}`;

test('where Azure issues the leaves, DPS knows the gateway by a key', () => {
  const { issuer } = x509Of(parseConfig(azure('key = "pkcs11:object=factory"\n'), 'FILE').config);
  const versions = { dps_api_version: '2026-11-02-preview', hub_api_version: '2025-08-01-preview' };
  assert.deepEqual(issuer, { kind: 'azure', ...versions, key: 'pkcs11:object=factory', certificate: undefined });
  const [said = ''] = complaints(azure(''));
  assert.match(said, /^\d+: onboarding\.key must be set, so that DPS knows this gateway\.$/);
  assert.deepEqual(complaints(`${BY_TPM}[leaf]\nissuer = "azure"\n`), [], 'attestation by the TPM has no issuer');
});
