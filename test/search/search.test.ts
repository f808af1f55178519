import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { AZURE_STAYS } from './azure/lasting.ts';
import { FAULTS } from './faults.ts';
import { DAY, Gateway, MINUTE } from './gateway.ts';
import { last } from './lasting.ts';
import { play } from './play.ts';
import type { Vector } from './vector.ts';

const search = join(import.meta.dirname, 'search.ts');

/** Of each half; STORIES=300 for more. */
const RUNS = Number(process.env.STORIES ?? 50);

/** The same each time, so that what is judged is the change; SEED=N plays others. A seed that breaks a law is printed. */
describe('random faults over time break no law', { concurrency: 2 }, () => {
  const first = Number(process.env.SEED ?? 200_000);
  for (const half of [0, 1]) {
    test(`${RUNS} stories on one core, from seed ${first + half}`, async (t) => {
      const argv = [
        '--import',
        'tsx',
        search,
        '--minutes',
        '60',
        '--runs',
        `${RUNS}`,
        '--seed',
        `${first + half}`,
        '--step',
        '2',
      ];
      const { stdout, code } = await promisify(execFile)(process.execPath, argv).then(
        (ended) => ({ ...ended, code: 0 }),
        (error: { stdout: string; stderr: string; code: number }) => ({
          ...error,
          stdout: error.stdout + error.stderr,
        }),
      );
      const [, runs] = /(\d+) runs/.exec(stdout) ?? [];
      t.diagnostic(stdout.trim());
      assert.equal(code, 0, stdout);
      assert.equal(Number(runs), RUNS);
    });
  }
});

test('the laws are seen to break: a gateway that is told to lie still while a way is open', async () => {
  const vector: Vector = {
    origin: { seed: 1, enrollment: 'group', begins: 'serving', leftMs: 72e6, lifetimeMs: 864e5, automatic: true },
    spells: [{ fault: 'DPS: NL-DPS-DISABLED, current', from: 0, until: 36e6 }],
    deeds: [{ deed: 'hub forgets the device', at: 60_000 }],
  };
  const asleep = await play(vector, (gateway) => gateway.stop());
  assert.match(asleep.broken.join('\n'), /the gateway does not serve/);
  const awake = await play(vector);
  assert.deepEqual(awake.broken, []);
});

/** What systemd and a real token do meanwhile is in test/system/sick-token.test.ts. */
test('a token that makes no key for a day costs four processes, and the leaf that is due is rolled when it can', async () => {
  const serving = { enrollment: 'group', begins: 'serving', leftMs: 20 * DAY, lifetimeMs: 90 * DAY } as const;
  const gateway = new Gateway({ seed: 1, ...serving, automatic: true });
  const thumbprint = gateway.known?.current?.thumbprint;
  gateway.lay({ generate: 'NL-TOKEN-POISONED' });
  gateway.start();
  let offline = 0;
  for (let minute = 0; minute < DAY / MINUTE; minute += 1) {
    await gateway.clock.pass(MINUTE);
    if (!gateway.isOnline) offline += 1;
  }
  assert.equal(gateway.known?.current?.thumbprint, thumbprint);
  assert.equal(gateway.state.next?.rest?.failure.code, 'NL-TOKEN-FAILED');
  assert.ok(gateway.restarts > 0 && gateway.restarts <= 4, `${gateway.restarts} restarts`);
  assert.ok(offline <= gateway.restarts, `no session in ${offline} minutes, with ${gateway.restarts} restarts`);

  gateway.lay({});
  await gateway.clock.pass(75 * MINUTE);
  assert.notEqual(gateway.known?.current?.thumbprint, thumbprint);
  assert.deepEqual([gateway.isOnline, gateway.broken], [true, []]);
  gateway.stop();
});

for (const fault of ['makes no key', 'signs no CSR'] as const) {
  test(`a token that ${fault} and opens for no new process costs no process: the session stays`, async () => {
    const row = await last(`token: opens for no new process, and ${fault}`, 2);
    // The link that drops, and the hub that refuses the leaf, cost a moment each.
    assert.equal(row.online, 100);
  });
}

for (const [way, most] of [
  ['way: ends sessions that are idle for 25 s', 5],
  ['way: ends sessions that are idle for 70 s', 5],
  ['way: drops sessions that are idle for 25 s', 8],
  ['way: ends sessions before any ping', 100],
] as const) {
  test(`${way}: at most ${most} connects in a day`, async () => {
    const serving = { enrollment: 'group', begins: 'serving', leftMs: 80 * DAY, lifetimeMs: 90 * DAY } as const;
    const gateway = new Gateway({ seed: 1, ...serving, automatic: true });
    gateway.lay(FAULTS.get(way) ?? {});
    gateway.start();
    let offline = 0;
    for (let minute = 0; minute < DAY / MINUTE; minute += 1) {
      await gateway.clock.pass(MINUTE);
      if (!gateway.isOnline) offline += 1;
    }
    const { calls } = gateway.world;
    assert.ok(calls.connect.length <= most, `${calls.connect.length} connects`);
    assert.ok(most === 100 || offline <= 1, `offline for ${offline} minutes`);
    assert.equal(calls.register.length, 0);
    gateway.stop();
  });
}

test('the tables have every fault', () => {
  const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  const missing = [...FAULTS.keys(), ...AZURE_STAYS.keys()].filter((fault) => !readme.includes(`| ${fault} |`));
  assert.deepEqual(missing, [], 'run npx tsx test/search/table.ts');
});
