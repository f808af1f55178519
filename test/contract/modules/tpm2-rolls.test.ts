import { tokenContract } from '../token/suite.ts';
import { tpm2 } from './tpm2.ts';

tokenContract(await tpm2(), ['ec-p256', 'ec-p384', 'rsa-2048'], ['TLS', 'rolls']);
