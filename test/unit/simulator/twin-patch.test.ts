import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '../../simulator/registry.ts';
import { replaceTwin } from '../../simulator/rest/twin-patch.ts';

test('PUT replaces a twin: what is not named is gone, and the device is told', () => {
  const registry = new Registry();
  registry.write('gw-1', { primary: '', secondary: '' }, { level: 1, site: 'north' }, { colour: 'red' });
  const told: unknown[] = [];
  registry.on('desired', (_, patch, version) => told.push([patch, version]));
  replaceTwin(registry, 'gw-1', { tags: { size: 2 }, properties: { desired: { level: 2 } } });
  const { tags, desired } = registry.twin('gw-1');
  assert.deepEqual([tags, desired], [{ size: 2 }, { level: 2 }]);
  assert.deepEqual(told, [[{ level: 2, site: null }, 2]]);
  replaceTwin(registry, 'gw-1', {});
  assert.deepEqual([registry.twin('gw-1').tags, registry.twin('gw-1').desired], [{}, {}]);
});
