import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { softHsm } from '../token/softhsm.ts';
import { deathContract } from './deaths.ts';
import { remoteToken } from './p11-kit.ts';
import type { MortalToken } from './servers.ts';
import { tpm2 } from './tpm2.ts';

deathContract('p11-kit server', remoteToken);
deathContract('swtpm', () => tpm2({ mortal: 'swtpm' }));
deathContract('tpm2-abrmd', () => tpm2({ mortal: 'tpm2-abrmd' }));
// SoftHSM sees that the objects are gone, and nothing else: the daemon tries again.
deathContract('the directory of a SoftHSM', pulled, 'key');

/** A SoftHSM token on a medium that is pulled. */
async function pulled(): Promise<MortalToken> {
  const token = softHsm('newleaf');
  const [tokens, away] = [join(token.directory, 'tokens'), join(token.directory, 'away')];
  return { ...token, die: () => renameSync(tokens, away), revive: async () => renameSync(away, tokens) };
}
