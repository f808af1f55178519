import assert from 'node:assert/strict';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { changedSince } from '../../../agent/assembly/issuers.ts';
import type { IssuerChoice } from '../../../agent/config/config.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import { TestClock } from '../clock.ts';
import { NOW } from '../roll/machine.ts';
import { scratch } from '../state/disk.ts';
import { Disk, gateway, HOUR, MINUTE, servingState } from './gateway.ts';

const refuses = async () => {
  throw new Fault('NL-EST-AUTH');
};

test('the issuer has refused the first leaf: a start asks at once where its settings were changed since, and once', async (t) => {
  const disk = new Disk();
  const first = await gateway(t, disk, { issue: refuses });
  await first.clock.pass(0);
  assert.deepEqual([first.daemon.state.phase, first.counts.issue], ['unprovisioned', 1]);
  await first.stop();

  /** When the password was corrected. */
  const corrected = NOW + MINUTE;
  const starts = async (at: number, issue?: () => Promise<never>) => {
    const change = { issuerChanged: async (since: number) => corrected > since };
    const { clock, counts, daemon, stop } = await gateway(t, disk, issue ? { issue } : {}, change, new TestClock(at));
    await clock.pass(0);
    await stop();
    return [daemon.state.phase, counts.issue];
  };
  const unchanged = await gateway(t, disk, {}, {}, new TestClock(NOW + 2 * MINUTE));
  await unchanged.clock.pass(0);
  assert.equal(unchanged.counts.issue, 0);
  await unchanged.stop();
  assert.deepEqual(await starts(NOW + 2 * MINUTE, refuses), ['unprovisioned', 1]);
  assert.deepEqual(
    await starts(NOW + 3 * MINUTE, refuses),
    ['unprovisioned', 0],
    'nothing has changed since that answer',
  );
  assert.deepEqual(await starts(NOW + HOUR), ['serving', 1]);
});

test('a start asks nothing anew where the issuer has refused nothing, whatever was changed', async (t) => {
  const done = { id: 'r', action: 'roll', reason: 'asked', from: 'technician', at: NOW, outcome: 'done' } as const;
  const disk = new Disk({ ...servingState, outcomes: [{ ...done, endedAt: NOW }] });
  const { clock, counts } = await gateway(t, disk, {}, { issuerChanged: async () => true });
  await clock.pass(MINUTE);
  assert.deepEqual([counts.issue, counts.register, counts.connect], [0, 0, 1]);
});

test('changed are the configuration, and what the issuer reads: also by chmod, and by a copy that keeps its times', async (t) => {
  const directory = scratch(t);
  const [toml, password] = [join(directory, 'newleaf.toml'), join(directory, 'est-password')];
  for (const file of [toml, password]) writeFileSync(file, 'x');
  const since = Math.max(...[toml, password].map((file) => statSync(file).ctimeMs));
  const none = { username: '', bootstrap_cert: undefined, bootstrap_key: undefined };
  const est = { kind: 'est', url: 'https://est', password_file: password, ca_file: '/absent', ...none } as const;
  const asked = (issuer: IssuerChoice) => changedSince(toml, issuer, since);
  const command = { kind: 'command', argv: ['/bin/false', password] } as const;
  assert.deepEqual([await asked(est), await asked(command), await asked({ kind: 'inbox' })], [false, false, false]);
  while (statSync(password).ctimeMs <= since) chmodSync(password, 0o600);
  assert.deepEqual([await asked(est), await asked(command), await asked({ kind: 'inbox' })], [true, true, false]);
  while (statSync(toml).ctimeMs <= since) chmodSync(toml, 0o600);
  assert.equal(await asked({ kind: 'inbox' }), true);
});
