import { stunnelContract } from './stunnel.ts';
import { tpm2 } from './tpm2.ts';

stunnelContract('tpm2-pkcs11', tpm2);
