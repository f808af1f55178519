import assert from 'node:assert/strict';
import { test } from 'node:test';
import { condition } from '../../simulator/rest/condition.ts';
import { evaluate } from '../../simulator/rest/query.ts';

const row = {
  deviceId: 'gw-1',
  status: 'enabled',
  tags: { site: "o'hara", floor: 2, spare: null },
  properties: { reported: { newleaf: { phase: 'serving' } } },
};

const holds = [
  ...['', '*', "deviceId = 'gw-1'", "devices.deviceId = 'gw-1'", "devices.jobs.deviceId = 'gw-1'"],
  ...["deviceId <> 'gw-2'", "deviceId IN ['gw-1', 'gw-2']", "tags.site = 'o''hara'", 'tags.site = "o\'hara"'],
  ...['tags.floor > 1 AND tags.floor <= 2', 'tags.spare = null', 'is_defined(tags.spare)', 'NOT is_defined(tags.none)'],
  ...["STARTSWITH(deviceId, 'gw-')", "properties.reported.newleaf.phase = 'serving'"],
  ...["deviceId = 'x' OR status = 'enabled' AND tags.floor = 2", "deviceId = 'gw-1' OR deviceId = 'AND'"],
];
const fails = [
  ...["deviceId = 'gw-2'", "deviceId != 'gw-1'", 'deviceId in []', "deviceId NIN ['gw-1']", 'tags.floor < 2'],
  ...['tags.floor >= 2.5', "tags.floor > '1'", 'tags.none = null', "endswith(deviceId, '-2')"],
  ...["status.deeper = 'enabled'", "(deviceId = 'x' OR status = 'enabled') AND tags.floor = 3"],
];
const refused = [
  ...['deviceId', 'deviceId =', "= 'a'", "deviceId = 'a' 'b'", '(deviceId = 1', "deviceId IN ['a'", 'a ~ b'],
  ...["deviceId = 'a", 'startswith(deviceId)'],
];

test('a condition holds, does not, or is refused', () => {
  for (const text of holds) assert.equal(condition(text)(row), true, text);
  for (const text of fails) assert.equal(condition(text)(row), false, text);
  for (const text of refused) assert.throws(() => condition(text), { name: 'RestRefusal', status: 400 }, text);
});

test('a query picks rows and columns, and counts', () => {
  const devices = [row, { deviceId: 'gw-2' }, { deviceId: 'gw-3', status: 'enabled' }];
  for (const [sql, expected] of [
    ['SELECT * FROM devices', devices],
    ["SELECT * FROM devices WHERE deviceId = 'gw-1'", [row]],
    [
      "select deviceId, status\n from devices where deviceId != 'gw-3'",
      [{ deviceId: 'gw-1', status: 'enabled' }, { deviceId: 'gw-2' }],
    ],
    ["SELECT COUNT() AS many FROM devices WHERE STARTSWITH(deviceId, 'gw-')", [{ many: 3 }]],
  ] as const) {
    assert.deepEqual(evaluate(sql, { devices }), expected, sql);
  }
  for (const sql of ['SELECT', 'SELECT * FROM modules', 'DELETE FROM devices', 'SELECT *']) {
    assert.throws(() => evaluate(sql, { devices }), { status: 400 }, sql);
  }
});
