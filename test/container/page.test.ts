import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { atHome, composer } from './compose.ts';
import { makeImage } from './made-image.ts';
import { ownEngine } from './own-engine.ts';
import { blockOf, lineOf } from './page.ts';
import { serves, setUp } from './set-up.ts';

const { engine } = await ownEngine();

/** The far side is on the loopback of this machine. */
const HERE = 'services: { newleaf: { network_mode: host } }\n';

test('the compose file, by the compose of the engine', async (t) => {
  const made = await setUp(t, engine);
  const { compose } = composer(engine, {
    'compose.yaml': atHome(blockOf('Compose', 'yaml'), made.volumes),
    'here.yaml': HERE,
  });
  t.after(() => compose('down'));
  const since = made.far.log.entries.length;
  const { code, err } = await compose('up', '--detach');
  assert.equal(code, 0, err);
  await serves(engine, made, 'newleaf', since);
});

test('the metrics, by another container', async (t) => {
  const made = await setUp(t, engine);
  await makeImage(engine, '/usr/bin/curl', 'docker.io/curlimages/curl:latest', 'ENTRYPOINT ["/usr/bin/curl"]');
  const lines = blockOf('Metrics', 'sh').trim().split('\n');
  const [create = '', run = '', ask = ''] = lines;
  const volume = /--volume newleaf-run:\S+/.exec(run)?.[0] ?? '';
  const start = lineOf(blockOf('Run', 'sh', '--detach'), 'docker run').replace(/--tmpfs \/run\/newleaf\S*/, volume);
  const script = [create, atHome(start, made.volumes), `until ${ask}; do sleep 0.2; done`].join('\n');
  const [program = '', ...argv] = engine.script(script);
  const child = spawn(program, argv, { env: engine.env, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  assert.match(await text(child.stdout), /^newleaf_online /m);
  await ended;
});
