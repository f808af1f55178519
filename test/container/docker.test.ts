import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Docker } from './docker.ts';
import { ownEngine } from './own-engine.ts';
import { blockOf, lineOf, type } from './page.ts';
import { serves, setUp } from './set-up.ts';

// What Docker alone has.
const { engine } = await ownEngine();
assert.ok(engine instanceof Docker);

/**
 * moby 26.1 stops the containers that it finds when it starts, and takes that for a person's `docker stop`: `unless-stopped`
 * leaves them off then (https://github.com/moby/moby/issues/36496).
 */
test('the daemon of Docker is killed, and started again: the gateway serves again', async (t) => {
  const made = await setUp(t, engine);
  const { log } = made.far;
  const before = log.entries.length;
  const run = lineOf(blockOf('Run', 'sh', '--detach'), 'docker run');
  assert.equal((await type(engine, made.volumes, run)).code, 0);
  await log.waitFor({ event: 'connected' }, 120_000, before);
  const since = log.entries.length;
  await engine.crash();
  await serves(engine, made, 'newleaf', since);
});
