import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { Disk, gateway, HOUR, MINUTE, servingState } from './gateway.ts';

const registering = { ...servingState, phase: 'registering', rejected: true } as const;

test('a clock that steps each minute does not cut short what DPS asked for', async (t) => {
  const { clock, counts } = await gateway(t, new Disk(registering), {
    async register() {
      throw new Fault('NL-DPS-THROTTLED', { retryAfterMs: 10 * MINUTE });
    },
  });
  for (let minute = 0; minute < 60; minute += 1) {
    clock.step(minute % 2 ? 6_000 : -6_000);
    await clock.pass(MINUTE);
  }
  assert.ok(counts.register <= 7, `${counts.register} registrations in an hour`);
});

test('a clock that is set ends the pause of what may have failed for the clock alone', async (t) => {
  const { clock, counts } = await gateway(t, new Disk(registering), {
    async register() {
      throw new Fault('NL-DPS-UNTRUSTED');
    },
  });
  await clock.pass(2 * HOUR);
  const before = counts.register;
  clock.step(HOUR);
  await clock.pass(MINUTE);
  assert.ok(counts.register > before);
});
