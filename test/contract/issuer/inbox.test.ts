import { openInbox } from './inbox.ts';
import { issuerContract } from './suite.ts';

issuerContract(openInbox, { severalAtOnce: true });
