import { absenceContract } from '../token/absences.ts';
import { softHsm } from '../token/softhsm.ts';
import { nss } from './nss.ts';
import { opencryptoki } from './opencryptoki.ts';
import { remoteToken } from './p11-kit.ts';
import { tpm2 } from './tpm2.ts';

absenceContract('SoftHSM', softHsm);
absenceContract('p11-kit remoting', remoteToken);
absenceContract('tpm2-pkcs11', tpm2);
absenceContract('opencryptoki', opencryptoki);
absenceContract('NSS', nss);
