import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { examine, select } from '../../../../agent/cli/checks/examine.ts';
import { CHECKS } from '../../../../agent/cli/checks/list.ts';
import { TokenError } from '../../../../hsm/ckr.ts';
import { siteWith } from '../gateway.ts';
import { fails } from './row.ts';

describe('the list', () => {
  test('what a check needs stands before it', () => {
    const seen = new Set<string>();
    for (const { id, needs } of CHECKS) {
      for (const need of needs) assert.ok(seen.has(need), `${id} needs ${need}`);
      seen.add(id);
    }
  });

  test('asked for one, it brings what that needs', () => {
    const ids = (...names: string[]) => select(CHECKS, names).map(({ id }) => id);
    assert.deepEqual(ids('hub-reach'), ['configuration', 'hub-reach']);
    assert.deepEqual(ids('keys', 'socket'), [
      'configuration',
      'state-directory',
      'module-loads',
      'token-present',
      'pin',
      'keys',
      'socket',
    ]);
    assert.equal(ids().length, CHECKS.length);
    assert.deepEqual(
      ids('uplink').filter((id) => id.startsWith('uplink')),
      ['uplink', 'uplink-sockets', 'uplink-tcp', 'uplink-queue', 'uplink-trouble'],
      'and those under it',
    );
  });

  test('one fault is told once', async () => {
    const site = siteWith({ loadModule: fails(new TokenError('module', 'MODULE_NOT_LOADED', 'no')) });
    const told: string[] = [];
    for await (const { id, outcome, message } of examine(select(CHECKS, ['leaf-key']), site))
      told.push(`${outcome} ${id} ${message}`);
    assert.deepEqual(told.slice(3), [
      'failed module-loads no.',
      'skipped token-present needs module-loads',
      'skipped pin needs token-present',
      'skipped leaf-key needs pin',
    ]);
  });
});
