import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { softHsm } from '../token/softhsm.ts';
import { LIBRARIES } from './alone.ts';
import { appeared, type MortalToken, Servers } from './servers.ts';

/** A SoftHSM token behind `p11-kit server`, as a container or a jail gets it: the module is the client, over a socket. */
export async function remoteToken(token = 'newleaf'): Promise<MortalToken> {
  const far = softHsm(token);
  const socket = join(far.directory, 'p11-kit.sock');
  const servers = new Servers(far.environment);
  const revive = async () => {
    await servers.end();
    rmSync(socket, { force: true });
    servers.start('p11-kit', [
      ...['server', '--foreground', '--provider', far.module, '--name', socket],
      `pkcs11:token=${token}`,
    ]);
    await appeared(socket);
  };
  await revive();
  const die = () => servers.kill();
  const remove = () => {
    die();
    far.remove();
  };
  const environment = { P11_KIT_SERVER_ADDRESS: `unix:path=${socket}` };
  return { ...far, module: `${LIBRARIES}/pkcs11/p11-kit-client.so`, environment, remove, die, revive };
}
