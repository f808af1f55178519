import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silenceMs } from '../../simulator/mqtt-link.ts';

// iot-mqtt-connect-to-iot-hub: the service waits 1.5 times the keepalive of the client, and 29.45 minutes at most.
for (const [keepalive, ms] of [
  [1, 1_500],
  [180, 270_000],
  [1_177, 1_765_500],
  [1_178, 1_767_000],
  [65_535, 1_767_000],
  [0, 1_767_000],
] as const) {
  test(`a keepalive of ${keepalive} s: silence of ${ms / 1_000} s ends the connection`, () =>
    assert.equal(silenceMs(keepalive), ms));
}
