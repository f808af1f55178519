import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AS_OTHERS } from '../../as-others.ts';
import { arrivals, drained } from '../stage/counting.ts';
import { assertArrived, brisk, counting, cutOff, ID } from './stage.ts';

/** Bytes in the middle of a segment: a few messages. */
const ROT = { from: 1_000, to: 1_100 };

test('a start on files that are broken: each costs its own program, is told, and can be removed', async (t) => {
  const site = await brisk(t, { runner: AS_OTHERS });
  const { far, gateway } = site;
  await cutOff(site);
  const made = (name: string) => counting(t, site, name, { everyMs: 5 });
  const [shut, torn, rotten, good] = await Promise.all(['shut', 'torn', 'rotten', 'good'].map(made));
  assert.ok(shut && torn && rotten && good);
  const programs = [shut, torn, rotten, good];
  while (programs.some(({ acknowledged }) => acknowledged.length < 100)) await gateway.uplink();
  await gateway.stop();

  const at = (...path: readonly string[]) => join(gateway.stateDirectory, 'uplink', ...path);
  chmodSync(at('shut', 'queue'), 0o000);
  writeFileSync(at('torn', 'program.json'), '{"name":"torn","ses');
  const segment = readdirSync(at('rotten', 'queue')).find((name) => name.endsWith('.q2')) ?? '';
  const bytes = readFileSync(at('rotten', 'queue', segment)).fill(0x55, ROT.from, ROT.to);
  writeFileSync(at('rotten', 'queue', segment), bytes);

  await gateway.start();
  await far.lift('hub1', 'port-closed');
  await gateway.settled();
  await rotten.finish();
  await drained(gateway, 'rotten');
  for (const program of [torn, good]) await assertArrived(site, program);
  const came = new Set(await arrivals(far, ID, 'rotten'));
  const lost = rotten.acknowledged.filter((number) => !came.has(number));
  assert.ok(lost.length > 0 && lost.length <= 5, `${lost}`);
  const { programs: told } = await gateway.uplink();
  assert.equal(told.find(({ name }) => name === 'rotten')?.damaged, lost.length);

  const list = await gateway.command('uplink', 'list');
  assert.equal(list.code, 1);
  assert.match(flat(list.out), /shut.*queue cannot be read: permission denied/s);
  assert.match(flat((await gateway.command('uplink', 'show', 'shut')).err), /NL-UPLINK-DISK .*cannot be read/);
  shut.stop();
  chmodSync(at('shut', 'queue'), 0o750);
  assert.equal((await gateway.command('uplink', 'remove', 'shut', '--yes')).code, 0);
  assert.equal(existsSync(at('shut')), false);
  await gateway.program('shut');
});

/** As one line: a screen breaks them where it likes. */
const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');
