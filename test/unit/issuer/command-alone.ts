import { createCommand } from '../../../agent/issuer/command.ts';
import { CSR } from './script.ts';

/** Run as a program, with descriptors and variables that are not for others: has the operator's command sign. */
const [, , ...argv] = process.argv;
const command = createCommand({
  argv,
  environment: async () => ({ NEWLEAF_REGISTRATION_ID: 'gw-0001' }),
  cookies: { read: async () => undefined, write: async () => {} },
  log: () => {},
});
await command.issue(CSR, new AbortController().signal).catch(() => undefined);
