import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'node:test';
import { setImmediate } from 'node:timers/promises';

const HELD = ['Timeout', 'TCPSocketWrap', 'TLSWrap', 'GetAddrInfoReqWrap'];

const held = (): string[] => process.getActiveResourcesInfo().filter((kind) => HELD.includes(kind));

/** Fails every test of the file that leaves a timer or a socket, or lets anything become uncaught. */
export function quiet(): void {
  const uncaught: unknown[] = [];
  process.on('uncaughtException', (error) => uncaught.push(error));
  process.on('unhandledRejection', (reason) => uncaught.push(reason));
  let before: string[] = [];
  beforeEach(() => {
    before = held();
  });
  afterEach(async () => {
    // What closes takes a few turns of the event loop to be gone.
    for (let turn = 0; turn < 50 && held().length > before.length; turn += 1) await setImmediate();
    assert.deepEqual(held(), before, 'left behind');
    assert.deepEqual(uncaught.splice(0), []);
  });
}
