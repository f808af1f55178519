import { suite } from 'node:test';
import { openInbox } from './inbox.ts';
import { inboxAccidents } from './inbox-accidents.ts';
import { issuerContract } from './suite.ts';

// Most of the time is spent waiting for files to be complete.
suite('the inbox', { concurrency: true }, () => {
  issuerContract(openInbox, { severalAtOnce: true });
  inboxAccidents();
});
