import { openHub } from './hub.ts';
import { issuerContract } from './suite.ts';

issuerContract(openHub);
