import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { settingRows } from '../../agent/config/print.ts';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { CHANGES, type Change } from './changes.ts';
import { roll } from './laid.ts';
import { type Scene, scene, wellAgain } from './play.ts';
import { matrixRow, type Told } from './record.ts';
import { assertTold } from './told.ts';

const LANES = 3;
const MOST_MS = 4 * PATIENCE_MS;

/** The file with this setting, and those that go with it; without those that are undefined. */
function changed(before: string, settings: Readonly<Record<string, string | undefined>>): string {
  const kept = before.split('\n').filter((line) => !Object.keys(settings).some((key) => line.startsWith(`${key} = `)));
  const added = Object.entries(settings).flatMap(([key, value]) => (value === undefined ? [] : [`${key} = ${value}`]));
  return [...kept, ...added].join('\n');
}

/** Stops the daemon in the middle of a roll, and starts it with another configuration. */
async function restarted({ gateway, unit }: Scene, configuration: string): Promise<void> {
  await gateway.stop('SIGTERM');
  gateway.configure([configuration]);
  await gateway.start().then(
    () => unit.watch(gateway),
    () => {},
  );
}

/**
 * @returns what was told, the seconds until it served again, with the new value or with the old one put back, and the leaves that
 * the proof took
 */
async function change(at: Scene, key: string, { to, told: truth, with: others, proves }: Change) {
  const { far, gateway, unit } = at;
  const before = readFileSync(gateway.configuration, 'utf8');
  await far.lay('est', 'est-hang');
  await roll(at);
  await gateway.until(({ phase }) => phase === 'requesting-leaf');
  const value = typeof to === 'function' ? to(at) : to;
  await restarted(at, changed(before, { ...others, [key]: value }));
  await far.lift('est', 'est-hang');
  const places = { far, gateway, line: unit.line };
  let told: Told | undefined;
  let seconds = 0;
  if (truth !== undefined) told = await assertTold(places, truth);
  else if (key !== 'control.socket') seconds = await wellAgain(at, MOST_MS);
  const issued = far.log.count({ event: 'issued' });
  await proves?.(at);
  const proven = far.log.count({ event: 'issued' }) - issued;
  await restarted(at, before);
  const back = await wellAgain(at, MOST_MS);
  const keys = gateway.token.privateKeys();
  assert.ok(keys.length >= 1 && keys.length <= 2, `${keys}`);
  told ??= await assertTold(places, { exit: 0, session: 'open' });
  return { told, seconds: truth === undefined ? seconds : back, proven };
}

test('every setting has a change', () => {
  const settings = settingRows().map(({ name }) => name);
  assert.deepEqual(Object.keys(CHANGES).sort(), [...settings].sort());
});

suite('a setting is changed between two starts, while a roll is in flight', { concurrency: LANES }, () => {
  const all = Object.entries(CHANGES);
  for (let lane = 0; lane < LANES; lane += 1) {
    const own = all.filter((_, at) => at % LANES === lane);
    test(`lane ${lane + 1}`, { timeout: own.length * MOST_MS }, async (t) => {
      let shared: Scene | undefined;
      for (const [key, one] of own) {
        await t.test(key, async (inner) => {
          const at = shared ?? (await scene(t));
          shared = undefined;
          const issued = at.far.log.count({ event: 'issued' });
          const { told, seconds, proven } = await change(at, key, one);
          inner.diagnostic(`${seconds.toFixed(1)} s ${JSON.stringify(told)}`);
          const leaves = at.far.log.count({ event: 'issued' }) - issued - proven;
          const fault =
            one.told === undefined
              ? `${key} is changed in the middle of a roll`
              : `${key} is wrong after a restart in the middle of a roll, and is put right`;
          const lost = leaves > 1 ? `${leaves - 1} leaf` : 'nothing';
          matrixRow({ group: 'set-up', fault, recoverySeconds: seconds, lost, told }, import.meta.filename);
          shared = at;
        });
      }
    });
  }
});
