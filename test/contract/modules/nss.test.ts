import { tokenContract } from '../token/suite.ts';
import { nss } from './nss.ts';

tokenContract(nss());
