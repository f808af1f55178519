import { TpmError } from '../../../../hsm/tpm/error.ts';
import { entry } from '../gateway.ts';
import { errno, fails, type Rows, under, withoutLeaf } from './row.ts';

export const TPM_CONFIG = `dps.id_scope = "0ne00000000"
dps.registration_id = "gw-0001"
dps.attestation = "tpm"
`;

const keyless = { tpmSigns: fails(new TpmError('key', 'The TPM holds no identity key.')) };

/** A gateway that attests by its TPM. */
export const TPM: Rows = {
  tpm: under(TPM_CONFIG, [
    ['signs', {}, /^ok The TPM at \/dev\/tpmrm0 signs with its identity key\.$/],
    [
      'the next key waits',
      { mode: async () => 0o600 },
      /^warning The TPM at \/dev\/tpmrm0 signs .* did not accept it yet\. -> The log says why: `journalctl -u newleaf [^`]+`$/,
    ],
    [
      'whether a next key waits is not for this user',
      { mode: async (path) => (path.startsWith('/dev') ? 0o660 : Promise.reject(errno('EACCES'))) },
      /^ok /,
    ],
    ['no device', { mode: async () => 'absent' }, /^failed NL-TPM-MISSING There is no \/dev\/tpmrm0\. -> /],
    ['not for this user', { tpmSigns: fails(new TpmError('denied', 'No.')) }, /^failed NL-TPM-DENIED No\. -> Use sudo/],
    [
      'no identity, on a new gateway',
      { ...keyless, entry: withoutLeaf },
      /^ok The TPM holds no identity key\. DPS gives it one with the first registration\.$/,
    ],
    ['cleared', { ...keyless, entry: async () => entry }, /^failed NL-TPM-KEY The TPM holds no identity key\. -> /],
  ]),
  'dps-reach': [
    [
      'over HTTPS',
      { dial: async (host) => ({ address: host, port: 0, issuer: 'i' }) },
      /^ok .* answers at global\.azure-devices-provisioning\.net:443 port/,
      TPM_CONFIG,
    ],
  ],
};
