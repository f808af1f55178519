import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Newleaf, type Seen, seenIn } from '../../../scripts/enrollment/newleaf.ts';
import { ailmentsOf } from '../../../scripts/enrollment/page/ailments.ts';
import { condition } from '../../simulator/rest/condition.ts';

const parked = (code: string): Newleaf => ({
  next: { thumbprint: 'AB', standing: 'parked', code },
  last: { outcome: 'person', code },
});
const twins: Readonly<Record<string, { readonly newleaf: Newleaf; readonly away?: true }>> = {
  well: { newleaf: { phase: 'serving', last: { outcome: 'done' } } },
  away: { newleaf: { phase: 'serving', last: { outcome: 'done' } }, away: true },
  stranded: { newleaf: { phase: 'stranded' }, away: true },
  parked: { newleaf: parked('NL-DPS-401002') },
  refused: { newleaf: { last: { outcome: 'kept', code: 'NL-DPS-401002' } } },
  barred: { newleaf: parked('NL-DPS-DISABLED') },
  kept: { newleaf: { last: { outcome: 'kept', code: 'NL-EST-AUTH' } } },
  unissued: { newleaf: parked('NL-AZURE-POLICY') },
  ending: { newleaf: { trouble: 'NL-ONBOARDING-EXPIRING', last: { outcome: 'done' } } },
  late: { newleaf: { alarm: '3day', last: { outcome: 'done' } } },
};
const rows = Object.entries(twins).map(([deviceId, { newleaf, away }]) => ({
  deviceId,
  tags: { site: deviceId === 'kept' ? 'south' : 'north' },
  connectionState: away ? 'Disconnected' : 'Connected',
  properties: { reported: { newleaf } },
}));
const seen: readonly Seen[] = rows.map(seenIn);

/** The devices that the condition of a command finds. */
function found(command: string): string[] {
  const [, text] = /--(?:where|job) "((?:[^"\\]|\\.)*)"/.exec(command) ?? [];
  assert.ok(text !== undefined, command);
  return rows.filter(condition(text.replaceAll(/\\(.)/g, '$1'))).map(({ deviceId }) => deviceId);
}

test('the commands for each group find its devices, and no others', () => {
  const all = ailmentsOf(seen, undefined);
  assert.deepEqual(Object.fromEntries(all.map(({ what, devices }) => [what, devices])), {
    offline: ['away', 'stranded'],
    'NL-DPS-401002': ['parked', 'refused'],
    stranded: ['stranded'],
    'NL-DPS-DISABLED': ['barred'],
    'NL-EST-AUTH': ['kept'],
    'NL-AZURE-POLICY': ['unissued'],
    'onboarding certificate ends': ['ending'],
    'renewal overdue': ['late'],
  });
  for (const { what, devices, commands } of all) {
    for (const command of commands.filter((one) => one.includes('"'))) {
      // Only a leaf that waits can be enrolled.
      const wanted = what === 'NL-DPS-401002' ? ['parked'] : devices;
      assert.deepEqual(found(command), wanted, command);
    }
  }
});

test('of a part of a fleet, they find devices of that part only', () => {
  const north = "tags.site = 'north' OR tags.site = 'east'";
  const commands = ailmentsOf(
    seen.filter(({ deviceId }) => deviceId !== 'kept'),
    north,
  ).flatMap((one) => one.commands);
  for (const command of commands.filter((one) => one.includes('"'))) {
    assert.match(command, /"\(tags\.site = 'north' OR tags\.site = 'east'\) AND /);
    assert.ok(!found(command).includes('kept'));
  }
});
