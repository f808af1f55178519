import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { TestToken } from '../token/softhsm.ts';
import { LIBRARIES } from './alone.ts';

const PIN = '123456';
const SO_PIN = '56785678';
const MODULE = `${LIBRARIES}/pkcs11/libtpm2_pkcs11.so`;

/**
 * tpm2-pkcs11 on a software TPM: swtpm, and tpm2-abrmd before it. A resource manager is a must: without one, one killed
 * process leaves objects and a session in the TPM that nobody frees. On hardware it is the kernel (/dev/tpmrm0).
 */
export async function tpm2({ label = 'newleaf', transients = 27 } = {}): Promise<TestToken> {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-tpm2-'));
  const at = (name: string) => join(directory, name);
  mkdirSync(at('tpm'));
  mkdirSync(at('store'));
  execFileSync('swtpm_setup', ['--tpm2', '--tpmstate', at('tpm'), '--createek'], { stdio: 'pipe' });
  const bus = `unix:path=${at('bus')}`;
  const environment = {
    DBUS_SESSION_BUS_ADDRESS: bus,
    TPM2_PKCS11_TCTI: 'tabrmd:bus_type=session',
    TPM2_PKCS11_STORE: at('store'),
  };
  const [server, control] = [at('tpm.sock'), at('tpm.sock.ctrl')];
  const running = [
    start('swtpm', [
      ...['socket', '--tpm2', '--tpmstate', `dir=${at('tpm')}`, '--flags', 'not-need-init,startup-clear'],
      ...['--server', `type=unixio,path=${server}`, '--ctrl', `type=unixio,path=${control}`],
    ]),
    start('dbus-daemon', ['--session', '--nofork', `--address=${bus}`]),
  ];
  await appeared(server, at('bus'));
  const tcti = `--tcti=swtpm:path=${server}`;
  running.push(
    start(
      'tpm2-abrmd',
      ['--session', '--allow-root', '--flush-all', `--max-transients=${transients}`, tcti],
      environment,
    ),
  );
  await served(environment);
  const tool = (...args: string[]) =>
    execFileSync('pkcs11-tool', ['--module', MODULE, ...args], {
      env: { ...process.env, ...environment },
      stdio: 'pipe',
    });
  tool('--init-token', '--slot-index', '0', '--label', label, '--so-pin', SO_PIN);
  tool('--token-label', label, '--login', '--login-type', 'so', '--so-pin', SO_PIN, '--init-pin', '--pin', PIN);
  const remove = () => {
    for (const kill of running.reverse()) kill();
    rmSync(directory, { recursive: true });
  };
  // It refuses to make keys that cannot decrypt, reads its store once, and leaves objects in the TPM until the process ends.
  const lacks = ['usage', 'sight', 'long-life'] as const;
  return { module: MODULE, token: label, pin: PIN, environment, lacks, directory, remove };
}

/** Starts a server, and returns what stops it. */
function start(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): () => void {
  const child = spawn(program, args, { env: { ...process.env, ...environment }, stdio: 'ignore' });
  child.unref();
  return () => child.kill();
}

async function appeared(...sockets: readonly string[]): Promise<void> {
  for (let look = 0; !sockets.every(existsSync); look += 1) {
    if (look > 1_000) throw new Error(`not there: ${sockets.filter((socket) => !existsSync(socket))}`);
    await setTimeout(10);
  }
}

/** Waits until tpm2-abrmd has its name on the bus. */
async function served(environment: Readonly<Record<string, string>>): Promise<void> {
  const ask = ['--session', '--print-reply=literal', '--dest=org.freedesktop.DBus', '/org/freedesktop/DBus'];
  const has = ['org.freedesktop.DBus.NameHasOwner', 'string:com.intel.tss2.Tabrmd'];
  const env = { ...process.env, ...environment };
  for (let look = 0; look < 200; look += 1) {
    if (execFileSync('dbus-send', [...ask, ...has], { env, encoding: 'utf8' }).includes('true')) return;
    await setTimeout(10);
  }
  throw new Error('tpm2-abrmd does not start');
}
