import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../../agent/failure/exit.ts';
import { type FaultyToken, faulty, rv } from '../contract/faulty/faulty.ts';
import type { TestToken } from '../contract/token/softhsm.ts';
import { cut } from '../e2e/stage/site.ts';
import { ONE_ROLL, ROLL, roll } from './laid.ts';
import { type Fault, matrix, type Scene } from './play.ts';

const SLOW_MS = 10_000;
/** newleaf leaves a token alone for half a minute after a fault of it. */
const REST = { withinMs: 60_000, backWithinMs: 120_000, cost: { restarts: 3 } } as const;

/** A fault with a module around the token, which does as it is told. */
function around(made: (hsm: () => FaultyToken) => Fault): Fault {
  let module: FaultyToken | undefined;
  const wrap = (hsm: TestToken) => {
    module = faulty(hsm);
    return module;
  };
  const hsm = () => {
    if (module === undefined) throw new Error('the gateway has not been made');
    return module;
  };
  return { ...made(hsm), options: () => ({ around: wrap }) };
}

/** Another token with the same label and PIN in the place of ours. */
function replaced({ gateway }: Scene): void {
  const { directory, environment, pin, token } = gateway.token.hsm;
  renameSync(join(directory, 'tokens'), join(directory, 'away'));
  mkdirSync(join(directory, 'tokens'));
  const args = ['--init-token', '--free', '--label', token, '--pin', pin, '--so-pin', '56785678'];
  execFileSync('softhsm2-util', args, { env: { ...process.env, ...environment }, stdio: 'pipe' });
}

const FAULTS: readonly Fault[] = [
  {
    group: 'token',
    fault: 'it is pulled, and put back',
    code: /^NL-TOKEN-/,
    exit: 5,
    session: 'down',
    isAlone: true,
    ...REST,
    async begin({ far, gateway }) {
      await gateway.token.hsm.absences[0]?.leave();
      await cut(far);
    },
    async end({ gateway }) {
      // Another start in between fails in a way on which systemd tries again.
      const { code, out } = await gateway.command('run');
      assert.equal(code, EXIT.failed, out);
      assert.match(out, /NL-TOKEN-FAILED/);
      gateway.token.hsm.absences[0]?.comeBack();
      assert.ok(!existsSync(join(gateway.stateDirectory, 'refused-pin.json')));
    },
  },
  around((hsm) => ({
    group: 'token',
    fault: 'it refuses the PIN as locked, and is unlocked',
    code: /^NL-TOKEN-PIN-LOCKED$/,
    exit: 5,
    session: 'down',
    by: 'unlocks it, `rm …/refused-pin.json`, `systemctl restart newleaf`',
    ...REST,
    async begin({ gateway }) {
      hsm().answer('C_Login', rv('CKR_PIN_LOCKED'), -1);
      await gateway.stop('SIGTERM');
      await gateway.start().catch(() => {});
    },
    async end({ gateway, unit }) {
      hsm().heal();
      rmSync(join(gateway.stateDirectory, 'refused-pin.json'), { force: true });
      await gateway.start();
      unit.watch(gateway);
    },
  })),
  around((hsm) => ({
    group: 'token',
    fault: `a signature takes ${SLOW_MS / 1000} s, through a whole roll`,
    exit: 0,
    session: 'open',
    work: ONE_ROLL,
    async begin(at) {
      hsm().delay('C_Sign', SLOW_MS);
      await roll(at);
      await at.gateway.log.waitFor(
        { event: 'outcome', action: 'roll', reason: 'done' },
        { since: at.gateway.log.lines.length, timeoutMs: 300_000 },
      );
    },
    end: () => hsm().heal(),
  })),
  around((hsm) => ({
    group: 'token',
    fault: 'it makes no key (CKR_DEVICE_ERROR)',
    code: /^NL-TOKEN-FAILED$/,
    exit: 4,
    session: 'open',
    by: ROLL,
    ...REST,
    work: ONE_ROLL,
    async begin(at) {
      hsm().answer('C_GenerateKeyPair', rv('CKR_DEVICE_ERROR'), -1);
      await roll(at);
    },
    async end(at) {
      hsm().heal();
      await roll(at);
    },
  })),
  {
    group: 'token',
    fault: 'another token with its label and PIN is in its place, and the right one comes back',
    code: /^NL-TOKEN-/,
    exit: 1,
    session: 'none',
    isAlone: true,
    by: '`systemctl restart newleaf`',
    ...REST,
    async begin(at) {
      await at.gateway.stop('SIGTERM');
      replaced(at);
      await at.gateway.start().catch(() => {});
    },
    async end({ gateway, unit }) {
      const { directory } = gateway.token.hsm;
      await gateway.stop('SIGTERM');
      rmSync(join(directory, 'tokens'), { recursive: true });
      renameSync(join(directory, 'away'), join(directory, 'tokens'));
      await gateway.start();
      unit.watch(gateway);
    },
  },
];

matrix('the token', FAULTS, import.meta.filename);
