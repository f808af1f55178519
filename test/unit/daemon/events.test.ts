import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transcript } from '../../../agent/daemon/events.ts';
import { failure } from '../../../agent/failure/failure.ts';
import type { RollEvent, Transition } from '../../../agent/roll/state.ts';
import { quietLog } from '../../quiet.ts';
import { NOW } from '../roll/machine.ts';
import { current, servingState } from './gateway.ts';

const went = (to: Transition['to']): Transition => ({ at: NOW, from: 'serving', to, why: 'asked' });

test('what a step changed is told in the order in which it happened, to those who listen', () => {
  const transcript = new Transcript(quietLog, { attestation: 'x509', automatic: true });
  const heard: unknown[] = [];
  const leave = transcript.subscribe((event) => 'to' in event && heard.push(event.to));
  const before = { ...servingState, trail: [went('serving')] };
  const trail = [went('retiring-key'), went('registering'), ...before.trail];
  const tell = () => transcript.tell(before, { state: { ...before, trail } }, { kind: 'woken', at: NOW, draw: 0 });
  tell();
  assert.deepEqual(heard, ['registering', 'retiring-key']);
  leave();
  tell();
  assert.equal(heard.length, 2);
});

test('a failure is a warning where it may pass by itself, else an error', () => {
  const levels: string[] = [];
  const log = { ...quietLog, warn: () => void levels.push('warn'), error: () => void levels.push('error') };
  const transcript = new Transcript(log, { attestation: 'x509', automatic: true });
  for (const code of ['NL-DPS-SERVER', 'NL-DPS-401002', 'NL-TOKEN-FAILED'] as const) {
    const effect = { kind: 'register', leaf: current } as const;
    const event: RollEvent = { kind: 'failed', effect, failure: failure(code), at: NOW, draw: 0 };
    transcript.tell(servingState, { state: servingState }, event);
  }
  assert.deepEqual(levels, ['warn', 'error', 'error']);
});
