import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chronicle } from '../../../agent/cli/request/chronicle.ts';
import type { RequestStatus, Status } from '../../../agent/roll/report.ts';
import { ended, NOW, statusWith } from './stage.ts';

const at = (ms: number) => new Date(NOW + ms).toISOString();
const request: RequestStatus = { id: 'r1', action: 'roll', reason: 'asked', from: 'technician', at: at(0) };

const began = { at: at(5), from: 'serving', to: 'generating-key', why: 'asked' } as const;
const made = { at: at(1_205), from: 'generating-key', to: 'requesting-leaf', why: 'key-generated' } as const;
const issued = { at: at(3_000), from: 'requesting-leaf', to: 'registering-next', why: 'leaf-issued' } as const;
const refused = {
  at: at(4_300),
  from: 'registering-next',
  to: 'serving',
  why: 'refused',
  code: 'NL-DPS-401002',
} as const;
const before = { at: at(-60_000), from: 'registering', to: 'serving', why: 'registered' } as const;
const after = { at: at(9_000), from: 'serving', to: 'registering', why: 'probe' } as const;

test('tells each phase of its own request once, with the time it took', () => {
  const chronicle = new Chronicle('r1');
  const look = (change: Partial<Status>) => chronicle.read(statusWith({ at: at(9_000), ...change }));
  assert.deepEqual(look({ words: 'making the next key', request, trail: [began, before] }), {
    lines: [],
    doing: 'making the next key',
    isUnknown: false,
  });
  assert.deepEqual(look({ request, trail: [issued, made, began, before] }).lines, [
    '  1.20 s  making the next key in the token: key made',
    '  1.79 s  waiting for the issuer to sign the next leaf: leaf issued',
  ]);
  assert.deepEqual(look({ request, trail: [issued, made, began, before] }).lines, []);
  const outcome = ended({ at: at(0), endedAt: at(4_300), outcome: 'person' });
  const last = look({ outcomes: [outcome], trail: [after, refused, issued, made, began, before] });
  assert.deepEqual(last.lines, ['  1.30 s  registering the next leaf with DPS: refused, NL-DPS-401002']);
  assert.equal(last.outcome, outcome);
});

test('a candidate that is discarded: its key is not called that of an old leaf', () => {
  const chronicle = new Chronicle('r1');
  const dropped = { at: at(5), from: 'serving', to: 'retiring-key', why: 'discarded' } as const;
  const destroyed = { at: at(65), from: 'retiring-key', to: 'serving', why: 'key-destroyed' } as const;
  const { lines } = chronicle.read(statusWith({ at: at(70), request, trail: [destroyed, dropped] }));
  assert.deepEqual(lines, ['  0.06 s  serving, and destroying the key that is not needed any more: key destroyed']);
});

test('a key that was made while the clock was ahead is not told as work of a later request', () => {
  const ahead = { ...made, at: at(800 * 86_400_000) };
  const chronicle = new Chronicle('r1');
  const registering = { at: at(5), from: 'serving', to: 'registering', why: 'asked' } as const;
  assert.deepEqual(chronicle.read(statusWith({ at: at(10), request, trail: [registering, ahead] })).lines, []);
  const done = { at: at(1_005), from: 'registering', to: 'serving', why: 'registered' } as const;
  const outcome = ended({ at: at(0), endedAt: at(1_500) });
  assert.deepEqual(chronicle.read(statusWith({ outcomes: [outcome], trail: [done, registering, ahead] })).lines, [
    '  1.00 s  registering the current leaf with DPS: DPS accepted it',
  ]);
});

test('a request that waits for its moment', () => {
  const scheduled = { ...request, startAt: at(40_000) };
  const { doing, lines } = new Chronicle('r1').read(statusWith({ scheduled }));
  assert.equal(doing, 'waiting for the moment to begin');
  assert.deepEqual(lines, []);
});

test('a request of somebody else is not ours', () => {
  const other = { ...request, id: 'r2' };
  const { isUnknown, lines } = new Chronicle('r1').read(statusWith({ request: other, trail: [made, began] }));
  assert.equal(isUnknown, true);
  assert.deepEqual(lines, []);
});
