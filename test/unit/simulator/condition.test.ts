import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { condition } from '../../simulator/rest/condition.ts';
import { evaluate } from '../../simulator/rest/query.ts';

const row = {
  deviceId: 'gw-1',
  status: 'enabled',
  tags: { site: "o'hara", floor: 2, spare: null },
  properties: { reported: { newleaf: { phase: 'serving' } } },
};

describe('a condition holds, or does not', () => {
  const rows: readonly (readonly [string, boolean])[] = [
    ['', true],
    ['*', true],
    ["deviceId = 'gw-1'", true],
    ["deviceId = 'gw-2'", false],
    ["devices.deviceId = 'gw-1'", true],
    ["devices.jobs.deviceId = 'gw-1'", true],
    ["deviceId != 'gw-1'", false],
    ["deviceId <> 'gw-2'", true],
    ["deviceId IN ['gw-1', 'gw-2']", true],
    ['deviceId in []', false],
    ["deviceId NIN ['gw-1']", false],
    ["tags.site = 'o''hara'", true],
    ['tags.site = "o\'hara"', true],
    ['tags.floor > 1 AND tags.floor <= 2', true],
    ['tags.floor < 2', false],
    ['tags.floor >= 2.5', false],
    ["tags.floor > '1'", false],
    ['tags.spare = null', true],
    ['tags.none = null', false],
    ['is_defined(tags.spare)', true],
    ['NOT is_defined(tags.none)', true],
    ["STARTSWITH(deviceId, 'gw-')", true],
    ["endswith(deviceId, '-2')", false],
    ["properties.reported.newleaf.phase = 'serving'", true],
    ["status.deeper = 'enabled'", false],
    ["deviceId = 'x' OR status = 'enabled' AND tags.floor = 2", true],
    ["(deviceId = 'x' OR status = 'enabled') AND tags.floor = 3", false],
    ["deviceId = 'gw-1' OR deviceId = 'AND'", true],
  ];
  for (const [text, expected] of rows) {
    test(text === '' ? '(nothing)' : text, () => assert.equal(condition(text)(row), expected));
  }
});

describe('what is no condition is refused', () => {
  for (const text of [
    'deviceId',
    'deviceId =',
    "= 'a'",
    "deviceId = 'a' 'b'",
    '(deviceId = 1',
    "deviceId IN ['a'",
    'a ~ b',
    "deviceId = 'a",
    'startswith(deviceId)',
  ]) {
    test(text, () => assert.throws(() => condition(text), { name: 'RestRefusal', status: 400 }));
  }
});

describe('a query picks rows and columns', () => {
  const devices = [row, { deviceId: 'gw-2' }];
  const queries: readonly (readonly [string, readonly object[]])[] = [
    ['SELECT * FROM devices', devices],
    ["SELECT * FROM devices WHERE status = 'enabled'", [row]],
    ['select deviceId, status\n from devices', [{ deviceId: 'gw-1', status: 'enabled' }, { deviceId: 'gw-2' }]],
  ];
  for (const [sql, expected] of queries) test(sql, () => assert.deepEqual(evaluate(sql, { devices }), expected));
  for (const sql of ['SELECT', 'SELECT * FROM modules', 'DELETE FROM devices', 'SELECT *']) {
    test(`${sql} is refused`, () => assert.throws(() => evaluate(sql, { devices }), { status: 400 }));
  }
});
