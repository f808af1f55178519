import { tokenContract } from '../token/suite.ts';
import { remoteToken } from './p11-kit.ts';

tokenContract(await remoteToken());
