import { openCommand } from './command.ts';
import { issuerContract } from './suite.ts';

issuerContract(openCommand);
