import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Absence, pulled } from '../token/absence.ts';
import type { TestToken } from '../token/softhsm.ts';
import { assertAlone, LIBRARIES } from './alone.ts';
import { until } from './servers.ts';

/** The slot of the soft token in Debian's opencryptoki.conf. */
const SLOT = '3';
/** Where it has its objects. */
const STORE = '/var/lib/opencryptoki/swtok';
const PID_FILE = '/run/opencryptoki/pkcsslotd.pid';
/** opencryptoki 3.23 takes 4 to 8 characters. */
const PIN = '123456';
const SO_PIN = '76543210';
const FIRST = { so: '87654321', user: '12345678' } as const;

const slots = (): string => spawnSync('pkcsconf', ['-s'], { encoding: 'utf8' }).stdout;

const start = async (): Promise<void> => {
  execFileSync('pkcsslotd', { stdio: 'pipe' });
  await until('the slots are there', () => slots().includes(`Slot #${SLOT} `));
};

/** pkcsslotd 3.23 turns a deaf ear to SIGTERM as long as anybody uses the module. */
const kill = (): Promise<void> => {
  const pid = Number(readFileSync(PID_FILE, 'utf8'));
  process.kill(pid, 'SIGKILL');
  return until('pkcsslotd has ended', () => !existsSync(`/proc/${pid}`));
};

/** The soft token of opencryptoki, and the slot daemon that its library speaks to. */
export async function opencryptoki(label = 'newleaf'): Promise<TestToken> {
  assertAlone();
  await start();
  const configure = (args: readonly string[], input = '') =>
    execFileSync('pkcsconf', [...args, '-c', SLOT], { input, stdio: 'pipe' });
  configure(['-I', '-S', FIRST.so], `${label}\n`);
  configure(['-P', '-S', FIRST.so, '-n', SO_PIN]);
  configure(['-u', '-S', SO_PIN, '-n', FIRST.user]);
  configure(['-p', '-U', FIRST.user, '-n', PIN]);
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-opencryptoki-'));
  const remove = () => {
    process.kill(Number(readFileSync(PID_FILE, 'utf8')));
    rmSync(directory, { recursive: true });
  };
  // A new key gets the handle of one that was destroyed, and libp11 goes on to take it for the old one.
  const lacks = ['long-life'] as const;
  // The objects are in shared memory. Whoever starts while the directory is away puts an empty token there: to those who
  // have it open, that says CKR_PIN_EXPIRED when the directory is back.
  const medium = pulled(STORE, { away: 'signed', back: 'poisoned' });
  const killed: Absence = {
    what: 'pkcsslotd is killed and started again',
    open: { away: 'signed', back: 'signed' },
    leave: kill,
    comeBack: start,
  };
  const both: Absence = {
    what: 'pkcsslotd is killed and its directory pulled, and both come back',
    // Without it nobody starts, and nothing is put into the memory.
    open: { away: 'signed', back: 'signed' },
    leave: async () => {
      await killed.leave();
      await medium.leave();
    },
    comeBack: async () => {
      await medium.comeBack();
      await killed.comeBack();
    },
  };
  return {
    module: `${LIBRARIES}/pkcs11/libopencryptoki.so`,
    token: label,
    pin: PIN,
    environment: {},
    lacks,
    absences: [medium, killed, both],
    directory,
    remove,
  };
}
