// What `scripts/field/token` runs: the contract that each PKCS#11 module is held to, on a token that was named.
import { readFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { absenceContract } from '../../test/contract/token/absences.ts';
import type { TestToken } from '../../test/contract/token/softhsm.ts';
import { tokenContract } from '../../test/contract/token/suite.ts';
import type { Field } from './told.ts';

const { module, token, pinFile, lacks, pull, directory, keyTypes }: Field = JSON.parse(
  process.env.NEWLEAF_FIELD ?? '{}',
);

/** Asks the person at the terminal, as stdout belongs to the reporter. */
async function person(words: string): Promise<void> {
  const terminal = await open('/dev/tty', 'r+');
  writeSync(terminal.fd, `\n>>> ${words}, then press Enter. `);
  await terminal.read(Buffer.alloc(100));
  await terminal.close();
}

const at: TestToken = {
  module,
  token,
  pin: readFileSync(pinFile, 'utf8').trimEnd(),
  environment: {},
  lacks,
  absences: [
    {
      what: 'a person unplugs it, and plugs it in again',
      open: { away: 'signed or poisoned', back: 'signed or poisoned' },
      leave: () => person('Unplug the token'),
      comeBack: () => person('Plug the token in again'),
    },
  ],
  directory,
  remove: () => undefined,
};

tokenContract(at, keyTypes);
if (pull) absenceContract('a token that is pulled', () => at);
