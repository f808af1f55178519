import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Absence, pulled } from '../token/absence.ts';
import type { TestToken } from '../token/softhsm.ts';
import { LIBRARIES } from './alone.ts';
import { listening, Servers, until } from './servers.ts';

const PIN = '123456';
const SO_PIN = '56785678';
const MODULE = `${LIBRARIES}/pkcs11/libtpm2_pkcs11.so`;
/** What the kernel's resource manager and tpm2-abrmd give a process. */
const TRANSIENTS = 27;

/**
 * tpm2-pkcs11 on a software TPM: swtpm, and tpm2-abrmd before it. A resource manager is a must: without one, one killed
 * process leaves objects and a session in the TPM that nobody frees. On hardware it is the kernel (/dev/tpmrm0).
 * @param transients objects that a process may leave in the TPM
 */
export async function tpm2({ label = 'newleaf', transients = TRANSIENTS } = {}): Promise<TestToken> {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-tpm2-'));
  const at = (name: string) => join(directory, name);
  for (const name of ['tpm', 'store']) mkdirSync(at(name));
  execFileSync('swtpm_setup', ['--tpm2', '--tpmstate', at('tpm'), '--createek'], { stdio: 'pipe' });
  const environment = {
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${at('bus')}`,
    TPM2_PKCS11_TCTI: 'tabrmd:bus_type=session',
    TPM2_PKCS11_STORE: at('store'),
  };
  const servers = new Servers(environment);
  const serve = async () => {
    await servers.end();
    for (const socket of ['tpm.sock', 'tpm.sock.ctrl', 'bus']) rmSync(at(socket), { force: true });
    servers.start('swtpm', [
      ...['socket', '--tpm2', '--tpmstate', `dir=${at('tpm')}`, '--flags', 'not-need-init,startup-clear'],
      ...['--server', `type=unixio,path=${at('tpm.sock')}`, '--ctrl', `type=unixio,path=${at('tpm.sock.ctrl')}`],
    ]);
    servers.start('dbus-daemon', ['--session', '--nofork', `--address=${environment.DBUS_SESSION_BUS_ADDRESS}`]);
    await listening(at('tpm.sock'), at('tpm.sock.ctrl'), at('bus'));
    const limit = `--max-transients=${transients}`;
    servers.start('tpm2-abrmd', [
      ...['--session', '--allow-root', '--flush-all', limit],
      `--tcti=swtpm:path=${at('tpm.sock')}`,
    ]);
    await until('tpm2-abrmd has its name on the bus', () => isServed(environment));
  };
  await serve();
  const tool = (...args: string[]) =>
    execFileSync('pkcs11-tool', ['--module', MODULE, ...args], {
      env: { ...process.env, ...environment },
      stdio: 'pipe',
    });
  tool('--init-token', '--slot-index', '0', '--label', label, '--so-pin', SO_PIN);
  tool('--token-label', label, '--login', '--login-type', 'so', '--so-pin', SO_PIN, '--init-pin', '--pin', PIN);
  const remove = () => {
    servers.kill();
    rmSync(directory, { recursive: true });
  };
  // It refuses to make keys that cannot decrypt, reads its store once, and leaves objects in the TPM until the process ends.
  // 1.9.1 can do PSS with a hash of its own, and lists nothing of it.
  const lacks = ['usage', 'halves', 'sight', 'long-life', 'pss'] as const;
  const killed = (server: string): Absence => ({
    what: `${server} is killed and started again`,
    open: { away: 'poisoned', back: 'poisoned' },
    leave: () => servers.kill(server),
    comeBack: serve,
  });
  // Objects that it has seen are in its memory; with the TPM alone it needs nothing else to sign.
  const absences = [killed('swtpm'), killed('tpm2-abrmd'), pulled(at('store'), { away: 'signed', back: 'signed' })];
  return { module: MODULE, token: label, pin: PIN, environment, lacks, absences, directory, remove };
}

function isServed(environment: Readonly<Record<string, string>>): boolean {
  const ask = ['--session', '--print-reply=literal', '--dest=org.freedesktop.DBus', '/org/freedesktop/DBus'];
  const has = ['org.freedesktop.DBus.NameHasOwner', 'string:com.intel.tss2.Tabrmd'];
  return execFileSync('dbus-send', [...ask, ...has], {
    env: { ...process.env, ...environment },
    encoding: 'utf8',
  }).includes('true');
}
