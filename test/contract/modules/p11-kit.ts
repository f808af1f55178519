import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Absence } from '../token/absence.ts';
import { softHsm, type TestToken } from '../token/softhsm.ts';
import { LIBRARIES } from './alone.ts';
import { listening, Servers } from './servers.ts';

/** A SoftHSM token behind `p11-kit server`, as a container or a jail gets it: the module is the client, over a socket. */
export async function remoteToken(token = 'newleaf'): Promise<TestToken> {
  const far = softHsm(token);
  const socket = join(far.directory, 'p11-kit.sock');
  const servers = new Servers(far.environment);
  const serve = async () => {
    await servers.end();
    rmSync(socket, { force: true });
    servers.start('p11-kit', [
      ...['server', '--foreground', '--provider', far.module, '--name', socket],
      `pkcs11:token=${token}`,
    ]);
    await listening(socket);
  };
  await serve();
  const remove = () => {
    servers.kill();
    far.remove();
  };
  const died: Absence = {
    what: 'the server is killed and started again',
    open: { away: 'poisoned', back: 'poisoned' },
    leave: () => servers.kill(),
    comeBack: serve,
  };
  const environment = { P11_KIT_SERVER_ADDRESS: `unix:path=${socket}` };
  const absences = [died, ...far.absences];
  return { ...far, module: `${LIBRARIES}/pkcs11/p11-kit-client.so`, environment, absences, remove };
}
