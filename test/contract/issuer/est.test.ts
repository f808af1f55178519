import { openEst } from './est.ts';
import { issuerContract } from './suite.ts';

issuerContract(openEst);
