import { createSecureContext } from 'node:tls';
import { connectorOf } from '../../hsm/connector.ts';
import { createTpm, TpmError } from '../../hsm/tpm/tpm.ts';
import { registerByTpm, type TpmDpsOptions } from '../dps/tpm/attest.ts';
import { Fault } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { AskingDps } from '../issuer/azure/azure.ts';
import { isUnissued } from '../issuer/azure/issued.ts';
import { readAuthorities } from '../machine/named-file.ts';
import type { Credential } from './onboarding-leaf.ts';

interface OnboardingTpmOptions extends Omit<TpmDpsOptions, 'connectorFor' | 'tpm'> {
  readonly device: string;
  readonly apiVersion: string;
  readonly caFile: string;
}

/** The TPM by which DPS knows the gateway: no hub ever hears of it, and nothing is stored in it. */
export function onboardingByTpm({ device, apiVersion, caFile, ...dps }: OnboardingTpmOptions): Credential {
  const tpm = createTpm(device);
  const connecting = async () =>
    connectorOf(createSecureContext({ ca: await readAuthorities('trust.ca_file', caFile) }));
  return {
    async register(asking, abort) {
      try {
        return await registerByTpm({ ...dps, tpm }, { apiVersion, ...policed(asking) }, connecting(), abort);
      } catch (error) {
        throw error instanceof TpmError ? ofOnboarding(error) : error;
      }
    },
    told: { attestation: 'tpm' },
    end: () => undefined,
  };
}

/** A group, of which the table speaks, is not for TPMs. */
function policed({ read, ...asking }: AskingDps): AskingDps {
  return {
    ...asking,
    read(state) {
      read(state);
      if (asking.csr !== undefined && isUnissued(state.issuedCertificateChain))
        throw new Fault('NL-AZURE-POLICY', NO_POLICY);
    },
  };
}

const NO_POLICY = {
  message:
    'DPS assigned a hub and issued no leaf: the enrollment of this TPM names no certificate policy, or DPS issues none for an individual enrollment, which that of a TPM always is.',
  advice:
    'Operator: name namespace, CA and policy in the enrollment of this TPM, then `newleaf roll`. If it names them: set onboarding.key in place of onboarding.tpm, and enroll its issuer for a group.',
};

/** The codes of the TPM name the setting of a gateway that attests by it. */
function ofOnboarding(error: TpmError): Fault {
  const { code, message, advice } = failureOf(error);
  return new Fault(code, { message, advice: advice.replaceAll('tpm.device', 'onboarding.tpm'), cause: error });
}
