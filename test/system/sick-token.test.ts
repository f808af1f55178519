import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { faultyModule, rv } from '../contract/faulty/faulty.ts';
import { holds } from '../e2e/stage/holds.ts';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import type { Entry } from '../simulator/log.ts';
import { APART, isUp, type Machine } from './machine.ts';
import { says } from './says.ts';
import { provisioned, type Site } from './site.ts';

/** What a token that makes no key says, in the words of every place that tells of it: the step, and the CKR. */
const SAID = /Generating the key "newleaf-[ab]": .*\(CKR_GENERAL_ERROR\)/;
/** The rest that newleaf takes before it opens a token again that has cost a process, and what else is in a start. */
const REST_MS = 60_000;
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
 * The token makes no key, and says so by an error that may also mean that the module has lost its state. That costs one
 * process, as a new one might heal it, and the process after it nothing. Only the first minute is played here; a day is in
 * virtual time: test/search/search.test.ts, "a token that makes no key for a day", and the rows "token: makes no key" of its
 * table for 30 days.
 */
async function servesOnWhatItHas({ far, machine }: Site, { sicken, heal, ask }: Sickness): Promise<void> {
  const before = await machine.show();
  const thumbprint = (await far.device('gw-0001'))?.thumbprints.primary ?? '';
  const [line, since] = [machine.journal.lines.length, far.log.entries.length];
  const restarts = async () => {
    const { reason } = await machine.journal.waitFor({ event: 'ended' }, { since: line });
    assert.equal(reason, 'restart');
    await machine.journal.waitFor({ event: 'resting' }, { since: line });
    await assertSays(machine, 5, 'status');
    await far.log.waitFor({ event: 'connected', thumbprint }, REST_MS, since);
    await machine.journal.waitFor({ event: 'outcome', code: 'NL-TOKEN-FAILED' }, { since: line });
  };
  await sicken();
  await Promise.all([ask(), restarts()]);
  const events = machine.journal.lines.slice(line).map(({ event }) => event);
  assert.ok(events.indexOf('connected') < events.lastIndexOf('failed'), 'the session comes first');

  const after = far.log.entries.length;
  // Asked again, it tries again, and no process is lost for it.
  for (let times = 0; times < 3; times += 1) await assertSays(machine, 3, 'roll', '--wait');
  await assertSays(machine, 4, 'status');
  await assertSays(machine, 1, 'check');
  assert.match(JSON.stringify((await far.twin('gw-0001')).reported), /NL-TOKEN-FAILED.*CKR_GENERAL_ERROR/);
  const sick = await machine.show();
  assert.ok(isUp(sick));
  assert.equal(Number(sick.NRestarts), Number(before.NRestarts) + 1);
  const ofSession = ({ event }: Entry) => event === 'connected' || event === 'disconnected';
  assert.deepEqual(far.log.entries.slice(after).filter(ofSession), [], 'the session stays');

  await heal();
  const rolling = machine.journal.lines.length;
  await machine.must('newleaf', 'roll', '--wait');
  // The next sickness must not meet the key of the leaf before, which is destroyed after the answer.
  await machine.journal.waitFor({ event: 'transition', from: 'retiring-key', to: 'serving' }, { since: rolling });
  assert.notEqual((await far.device('gw-0001'))?.thumbprints.primary, thumbprint);
  const [code, text] = await says(machine, 'status');
  assert.equal(code, 0, text);
  const { MainPID, NRestarts } = await machine.show();
  assert.deepEqual([MainPID, NRestarts], [sick.MainPID, sick.NRestarts]);
}

if (inside(import.meta.filename, APART)) {
  test('a token that makes no key costs the unit one restart, and never the session', async (t) => {
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
          await machine.journal.waitFor({ event: 'outcome', id: 'asked' }, { since: mark, timeoutMs: REST_MS });
          const { status, payload } = await roll();
          holds({ status, payload }, { status: 200, payload: { outcome: 'kept', code: 'NL-TOKEN-FAILED' } });
          assert.match(JSON.stringify(payload), /CKR_GENERAL_ERROR/);
        },
      }),
    );

    const directories = (mode: string) => machine.must('find', TOKENS, '-type', 'd', '-exec', 'chmod', mode, '{}', '+');
    // As on a file system that is read-only: the process that has the token open makes handshakes, and no new one does.
    await t.test('files of the token that the daemon may not write: no process is risked', async () => {
      const before = await machine.show();
      const thumbprint = (await far.device('gw-0001'))?.thumbprints.primary ?? '';
      const why = /a new process could not use the leaf: .*CKR_GENERAL_ERROR/;
      await machine.must('chmod', '-R', 'a-w', TOKENS);
      for (let times = 0; times < 2; times += 1) {
        const [code, text] = await says(machine, 'roll', '--wait');
        assert.equal(code, 3, text);
        assert.match(text, SAID);
        assert.match(text, why);
      }
      const mark = far.log.entries.length;
      await far.lay('hub1', 'port-closed');
      await far.lift('hub1', 'port-closed');
      await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, mark);
      const [code, text] = await says(machine, 'status');
      assert.equal(code, 4, text);
      assert.match(text, why);
      const { MainPID, NRestarts } = await machine.show();
      assert.deepEqual([MainPID, NRestarts], [before.MainPID, before.NRestarts]);
      await machine.must('chmod', '-R', 'u+w', TOKENS);
      const rolling = machine.journal.lines.length;
      await machine.must('newleaf', 'roll', '--wait');
      await machine.journal.waitFor({ event: 'transition', from: 'retiring-key', to: 'serving' }, { since: rolling });
    });

    await t.test('a directory of the token that the daemon may not write', () =>
      servesOnWhatItHas(site, {
        sicken: () => directories('a-w'),
        heal: () => directories('u+w'),
        ask: () => assertSays(machine, 3, 'roll', '--wait'),
      }),
    );
  });
}
