import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { softHsm, type TestToken } from '../token/softhsm.ts';
import { LIBRARIES } from './alone.ts';

/** A SoftHSM token behind `p11-kit server`, as a container or a jail gets it: the module is the client, over a socket. */
export interface RemoteToken extends TestToken {
  /** Kills the server with all that it has forked: one p11-kit-remote for each client. */
  kill(): void;
  start(): Promise<void>;
}

export async function remoteToken(token = 'newleaf'): Promise<RemoteToken> {
  const far = softHsm(token);
  const socket = join(far.directory, 'p11-kit.sock');
  let kill = () => {};
  const start = async () => {
    const args = ['server', '--foreground', '--provider', far.module, '--name', socket, `pkcs11:token=${token}`];
    const server = spawn('p11-kit', args, {
      env: { ...process.env, ...far.environment },
      stdio: 'ignore',
      detached: true,
    });
    const { pid } = server;
    if (pid === undefined) throw new Error('p11-kit server does not start');
    kill = () => process.kill(-pid, 'SIGKILL');
    for (let look = 0; !existsSync(socket); look += 1) {
      if (look > 500) throw new Error('p11-kit server makes no socket');
      await setTimeout(10);
    }
  };
  await start();
  const remove = () => {
    kill();
    far.remove();
  };
  const environment = { P11_KIT_SERVER_ADDRESS: `unix:path=${socket}` };
  const module = `${LIBRARIES}/pkcs11/p11-kit-client.so`;
  return { ...far, module, environment, remove, start, kill: () => kill() };
}
