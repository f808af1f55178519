import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { programsLeft } from '../../../../agent/cli/decommission/programs.ts';
import { planInWords, restInWords } from '../../../../agent/cli/decommission/words.ts';
import type { Screen } from '../../../../agent/cli/kit/screen.ts';
import { parseConfig } from '../../../../agent/config/config.ts';
import { scratch } from '../../state/disk.ts';
import { CONFIG } from '../gateway.ts';

const screen: Screen = { width: 80, isColoured: false, isUnicode: true };

const loaded = parseConfig(CONFIG, '/etc/newleaf/newleaf.toml');
const holding = { own: ['key newleaf-a'], kept: [], destroy: async () => {} };

test('the plan names the programs, and how many messages are lost with them', () => {
  const programs = [
    { name: 'plc', queued: 1 },
    { name: 'sensors', queued: 2, record: '/etc/tmpfiles.d/newleaf-uplink-sensors.conf' },
    { name: 'x', queued: undefined },
    { name: 'y', queued: 0 },
  ];
  const plan = planInWords({ holding, files: ['uplink', 'state.json'], programs }, loaded, screen);
  assert.match(plan, /^ {2}the program plc, and 1 message of it that waits for the hub$/m);
  assert.match(plan, /^ {2}the program sensors, and 2 messages of it that wait for the hub$/m);
  assert.match(plan, /^ {2}the program x, and its messages that wait for the hub: they cannot be counted$/m);
  assert.match(plan, /^ {2}the program y, and no message of it that waits for the hub$/m);
  assert.match(plan, /^ {2}uplink, state\.json in \/var\/lib\/newleaf$/m);
  const rest = restInWords({ holding, programs }, loaded, [], screen);
  assert.match(rest, /^ {2}for the socket of sensors: \/etc\/tmpfiles\.d\/newleaf-uplink-sensors\.conf$/m);
  assert.doesNotMatch(rest, /plc/);
});

test('a key of the factory stays, and can prove who this gateway is: that is said before and after', () => {
  const given = { ...holding, proves: 'key factory in token "gw"' };
  const can = /But the key factory in token "gw" stays: with its certificate\s+it\s+proves\s+to\s+be\s+gw-0001\s+until/;
  assert.match(planInWords({ holding: given, files: [], programs: [] }, loaded, screen), can);
  assert.doesNotMatch(planInWords({ holding, files: [], programs: [] }, loaded, screen), /stays/);
  const rest = restInWords({ holding: given, programs: [] }, loaded, [], screen);
  assert.match(rest, can);
  assert.doesNotMatch(rest, /Its keys .* are gone/);
});

test('the programs are found on disk; where there are none, nothing is said', async (t) => {
  const directory = scratch(t);
  assert.deepEqual(await programsLeft(directory, '/run/newleaf-uplink', directory), []);
  mkdirSync(join(directory, 'uplink', 'sensors'), { recursive: true });
  writeFileSync(join(directory, 'newleaf-uplink-sensors.conf'), '');
  const [found, ...more] = await programsLeft(directory, '/run/newleaf-uplink', directory);
  assert.deepEqual([found?.name, found?.record, more], ['sensors', join(directory, 'newleaf-uplink-sensors.conf'), []]);
});

test('a file that another newleaf of this gateway needs is not to be removed', () => {
  const est = `${CONFIG}\n[network]\nproxy = "http://10.0.0.1:3128"\nproxy_username = "gw"\nproxy_password_file = "/etc/newleaf/proxy"\n`;
  const one = parseConfig(est, '/etc/newleaf/b/newleaf.toml');
  const other = parseConfig(est, '/etc/newleaf/newleaf.toml');
  const wide = { ...screen, width: 400 };
  assert.match(
    restInWords({ holding, programs: [] }, one, [], wide),
    /^ {2}the configuration: .*\/etc\/newleaf\/proxy/m,
  );
  const rest = restInWords({ holding, programs: [] }, one, [other], wide);
  assert.match(rest, /^ {2}the configuration: \/etc\/newleaf\/b\/newleaf\.toml\b(?!.*\/etc\/newleaf\/proxy)/m);
  assert.match(rest, /^ {2}but not \/etc\/newleaf\/proxy: \/etc\/newleaf\/newleaf\.toml names it, too$/m);
});
