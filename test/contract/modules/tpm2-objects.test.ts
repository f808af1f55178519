import { tokenContract } from '../token/suite.ts';
import { tpm2 } from './tpm2.ts';

// More keys than any gateway makes: the limit of the resource manager is not what is looked at here.
tokenContract(await tpm2({ transients: 100 }), ['ec-p256', 'ec-p384', 'rsa-2048'], ['objects', 'TLS by stunnel']);
