import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';

const require = createRequire(import.meta.url);
/** Both are CommonJS without types, and are only compared. */
type Lodash = Record<string, (...asked: unknown[]) => unknown>;
const lodash: Lodash = require('lodash');
const stub: Lodash = require(join(import.meta.dirname, '..', '..', 'scripts', 'stubs', 'lodash.cjs'));

/** The stub drops a member of this name; lodash makes some of its own. */
const ours = (value: Record<string, unknown>): Record<string, unknown> =>
  JSON.parse(JSON.stringify(value), (name, member) => (name === '__proto__' ? undefined : member));

/** What is read of JSON, as twins and patches are. */
const json = fc.jsonValue({ depthSize: 'medium' }) as fc.Arbitrary<unknown>;
const object = (fc.dictionary(fc.string(), json) as fc.Arbitrary<Record<string, unknown>>).map(ours);

/** Both get copies of what is asked, as they change it. */
function alike(name: string, ...asked: readonly unknown[]): void {
  const [mine, theirs] = [structuredClone(asked), structuredClone(asked)];
  assert.deepEqual(stub[name]?.(...mine), lodash[name]?.(...theirs));
  assert.deepEqual(mine, theirs);
}

test('a patch is merged into a twin as lodash does it', () => {
  fc.assert(fc.property(object, object, (twin, patch) => alike('merge', twin, patch)));
  alike('merge', { a: [1, 2, { b: 1 }], c: { d: 1 } }, { a: [3, null, { e: 2 }], c: null, f: undefined });
  alike('merge', { a: 1, b: { c: 1 } }, { a: undefined, b: [1] });
});

test('nothing gets into a prototype', () => {
  stub.merge?.({}, JSON.parse('{"__proto__": {"polluted": true}}'));
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
  assert.deepEqual(stub.cloneDeep?.(JSON.parse('{"__proto__": []}')), {});
});

test('the others answer as lodash does', () => {
  fc.assert(fc.property(object, (twin) => alike('cloneDeep', twin)));
  fc.assert(fc.property(object, object, (one, other) => alike('extend', one, other)));
  fc.assert(fc.property(object, object, (one, other) => alike('defaults', one, other)));
  const numbers = fc.array(fc.nat(5));
  fc.assert(fc.property(numbers, numbers, (one, other) => alike('difference', one, other)));
  fc.assert(fc.property(numbers, fc.nat(5), (one, other) => alike('without', one, other)));
  fc.assert(fc.property(numbers, fc.nat(5), (one, other) => alike('includes', one, other)));
  for (const one of [undefined, null, {}, [], 'x', 1, Object.create(null), new Date(0), new Error('x')]) {
    for (const name of ['isPlainObject', 'isArray'])
      assert.equal(stub[name]?.(one), lodash[name]?.(one), String(one && 1));
  }
  alike('at', { a: { b: [1, 2] }, 'a.b': 3 }, 'a.b');
  alike('at', { a: { b: [1, 2] } }, 'a.b');
  alike('at', { a: null }, 'a.b.c');
  alike('without', undefined, 1);
});

test('functions are visited and kept, and `each` ends with false', () => {
  const states = { on: { _onEnter: () => 1, go: 'off' }, off: {} };
  assert.deepEqual(stub.cloneDeep?.({ states }), lodash.cloneDeep?.({ states }));
  const merged = stub.merge?.({}, { states }) as { readonly states: typeof states };
  assert.equal(merged.states.on._onEnter, states.on._onEnter);
  const change = (made: Record<string, unknown>, value: unknown, name: string) => {
    if (name !== 'off') made[name] = value;
  };
  assert.deepEqual(stub.transform?.(states, change), lodash.transform?.(states, change));
  for (const each of [stub.each, lodash.each]) {
    const seen: unknown[] = [];
    each?.(['a', 'b', 'c'], (value: string, at: number) => seen.push([value, at]) < 2);
    each?.({ x: 1 }, (value: number, name: string) => seen.push([value, name]));
    each?.(undefined, () => seen.push('never'));
    assert.deepEqual(seen, [
      ['a', 0],
      ['b', 1],
      [1, 'x'],
    ]);
  }
  class Child {
    own = 1;
  }
  Object.assign(Child.prototype, { inherited: 2 });
  assert.deepEqual(stub.extend?.({}, new Child()), lodash.extend?.({}, new Child()));
});
