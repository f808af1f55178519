import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { TOKEN_WORK_MS } from '../../agent/time/token-limits.ts';
import { faultyModule, rv } from '../contract/faulty/faulty.ts';
import { holds } from '../e2e/stage/holds.ts';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import type { Entry } from '../simulator/log.ts';
import { APART, isUp, type Machine, type Unit } from './machine.ts';
import { says } from './says.ts';
import { provisioned, type Site } from './site.ts';

/** What a token that makes no key says, in the words of every place that tells of it. */
const SAID = /\(CKR_GENERAL_ERROR\)/;
/** A job that was ended by its limit. */
const HUNG = /Signing: nothing happened for 120 s, and its process was killed/;
/** The limit of a job that signs, and a minute. */
const LIMIT_MS = TOKEN_WORK_MS + 60_000;
const TOKENS = '/var/lib/softhsm/tokens';
const AROUND = '/opt/around';
const DROP_IN = `[Service]
Environment=FAULTY_MODULE=/usr/lib/softhsm/libsofthsm2.so FAULTY_DIRECTORY=${AROUND}/faulty
`;

async function assertSays(machine: Machine, exit: number, ...argv: readonly string[]): Promise<void> {
  const [code, text] = await says(machine, ...argv);
  assert.equal(code, exit, text);
  assert.match(text, SAID);
}

interface Sickness {
  sicken(): unknown;
  heal(): unknown;
  /** Asks for a roll, and hears what became of it. */
  ask(): Promise<void>;
}

/**
 * The token makes no key, and says so by an error that may also mean that the module has lost its state. The job that works for the
 * next leaf has met it in a process of its own: neither the daemon nor its session ends for it. Only the first minute is played
 * here; a day is in virtual time: test/search/search.test.ts, "a token that makes no key for a day".
 */
async function servesOnWhatItHas({ far, machine }: Site, { sicken, heal, ask }: Sickness): Promise<void> {
  const before = await machine.show();
  const thumbprint = (await far.device('gw-0001'))?.thumbprints.primary ?? '';
  await sicken();
  await ask();
  const since = far.log.entries.length;
  // Asked again, it tries again.
  for (let times = 0; times < 3; times += 1) await assertSays(machine, 3, 'roll', '--wait');
  await assertSays(machine, 4, 'status');
  await assertSays(machine, 1, 'check');
  assert.match(JSON.stringify((await far.twin('gw-0001')).reported), /NL-TOKEN-FAILED.*CKR_GENERAL_ERROR/);
  await goesOn({ far, machine }, before, since);

  await heal();
  const rolling = machine.journal.lines.length;
  await machine.must('newleaf', 'roll', '--wait');
  // The next sickness must not meet the key of the leaf before, which is destroyed after the answer.
  await machine.journal.waitFor({ event: 'transition', from: 'retiring-key', to: 'serving' }, { since: rolling });
  assert.notEqual((await far.device('gw-0001'))?.thumbprints.primary, thumbprint);
  const [code, text] = await says(machine, 'status');
  assert.equal(code, 0, text);
  const { MainPID, NRestarts } = await machine.show();
  assert.deepEqual([MainPID, NRestarts], [before.MainPID, before.NRestarts]);
}

/** The daemon is the same process, and its session has stayed. */
async function goesOn({ far, machine }: Pick<Site, 'far' | 'machine'>, before: Unit, since: number): Promise<void> {
  const now = await machine.show();
  assert.ok(isUp(now));
  assert.deepEqual([now.MainPID, now.NRestarts], [before.MainPID, before.NRestarts]);
  const ofSession = ({ event }: Entry) => event === 'connected' || event === 'disconnected';
  assert.deepEqual(far.log.entries.slice(since).filter(ofSession), [], 'the session stays');
}

if (inside(import.meta.filename, APART)) {
  test('a token that makes no key costs the unit no restart, and never the session', async (t) => {
    const site = await provisioned(t);
    const { far, machine, technician } = site;
    const hsm = faultyModule(join(machine.root, AROUND));
    machine.dropIn(DROP_IN);
    technician.set('module', `"${AROUND}/faulty.so"`);
    const since = far.log.entries.length;
    await machine.must('systemctl', 'enable', '--now', 'newleaf');
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);

    await t.test('a module that answers a general error, as tpm2-pkcs11 does with a full store', () =>
      servesOnWhatItHas(site, {
        sicken: () => hsm.answer('C_GenerateKeyPair', rv('CKR_GENERAL_ERROR'), -1),
        heal: () => hsm.heal(),
        async ask() {
          const roll = () => far.callMethod('gw-0001', 'reprovision', { action: 'roll', id: 'asked' });
          const mark = machine.journal.lines.length;
          assert.equal((await roll()).status, 202);
          await machine.journal.waitFor({ event: 'outcome', id: 'asked' }, { since: mark, timeoutMs: PATIENCE_MS });
          const { status, payload } = await roll();
          holds({ status, payload }, { status: 200, payload: { outcome: 'kept', code: 'NL-TOKEN-FAILED' } });
          assert.match(JSON.stringify(payload), /CKR_GENERAL_ERROR/);
        },
      }),
    );

    const directories = (mode: string) => machine.must('find', TOKENS, '-type', 'd', '-exec', 'chmod', mode, '{}', '+');
    // As on a file system that is read-only: the process that has the token open makes handshakes, and no new one does.
    await t.test('files of the token that the daemon may not write: it makes handshakes', () =>
      servesOnWhatItHas(site, {
        sicken: () => machine.must('chmod', '-R', 'a-w', TOKENS),
        heal: () => machine.must('chmod', '-R', 'u+w', TOKENS),
        async ask() {
          await assertSays(machine, 3, 'roll', '--wait');
          const mark = far.log.entries.length;
          await far.lay('hub1', 'port-closed');
          await far.lift('hub1', 'port-closed');
          await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
        },
      }),
    );

    await t.test('a directory of the token that the daemon may not write', () =>
      servesOnWhatItHas(site, {
        sicken: () => directories('a-w'),
        heal: () => directories('u+w'),
        ask: () => assertSays(machine, 3, 'roll', '--wait'),
      }),
    );

    await t.test(
      'a module that hangs where it signs the CSR: the job is ended by its limit, and the daemon goes on',
      async () => {
        const [before, begun, line] = [await machine.show(), far.log.entries.length, machine.journal.lines.length];
        hsm.delay('C_Sign', 1e9);
        const rolling = says(machine, 'roll', '--wait');
        await machine.journal.waitFor({ event: 'failed', code: 'NL-TOKEN-HUNG' }, { since: line, timeoutMs: LIMIT_MS });
        const [code, text] = await rolling;
        assert.equal(code, 3, text);
        assert.match(text, HUNG);
        await goesOn(site, before, begun);
        hsm.heal();
        await machine.must('newleaf', 'roll', '--wait');
      },
    );
  });
}
