import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { atHome, composer } from './compose.ts';
import { makeImage } from './made-image.ts';
import { ownEngine } from './own-engine.ts';
import { arrowsIn, blockOf, type } from './page.ts';
import { INIT } from './set-up.ts';
import { site } from './site.ts';

const { engine } = await ownEngine();

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

test('programs in containers of their own, by a key and by a socket: files and lines of the page', async (t) => {
  const made = await site(t);
  await makeImage(engine, '/usr/bin/mosquitto_pub', 'docker.io/library/eclipse-mosquitto:2');
  const { volumes, far } = made;
  const { code, out, err } = await type(engine, volumes, INIT, ...made.flags);
  t.after(() => engine.drop('newleaf', 'uplink'));
  assert.equal(code, 0, out + err);
  // All containers have the network of this machine, where another program may have the port.
  const port = `${await freePort()}`;
  const here = (text: string) => text.replace('0.0.0.0:8883', `127.0.0.1:${port}`).replace('-p 8883', `-p ${port}`);
  const { compose, directory } = composer(engine, {
    'compose.yaml': atHome(blockOf('Compose', 'yaml'), volumes),
    'compose.override.yaml': here(blockOf('Your own programs', 'yaml')),
    'here.yaml': `
services:
  newleaf: { network_mode: host }
  meter: { network_mode: host, extra_hosts: ["newleaf:127.0.0.1"] }
  sensor: { network_mode: host }
`,
  });
  t.after(() => compose('down'));
  const lines = blockOf('Your own programs', 'sh').trim().split('\n');
  // Begun without a name for others: what is printed then.
  const [start = ''] = lines;
  const before = far.log.entries.length;
  assert.equal((await compose(...start.split(' ').slice(2))).code, 0);
  await far.log.waitFor({ event: 'connected' }, 120_000, before);
  const early = await type(engine, volumes, 'docker exec newleaf newleaf uplink add early --key');
  assert.match(early.out + early.err, /^hosts = \["newleaf"\]$/m);
  const bare = { ...early, out: early.out.replaceAll(/^# /gm, '') };
  appendFileSync(join(volumes.configuration, 'newleaf.toml'), here(blockOf('Your own programs', 'toml')));
  const arrows = arrowsIn(bare).filter((command) => command.startsWith('docker '));
  assert.equal(arrows.length, 2, early.out);
  for (const arrow of arrows) assert.equal((await type(engine, volumes, arrow)).code, 0, arrow);
  let key = '';
  for (const line of lines) {
    const [, setting] = /^echo '(.*)' >\.env$/.exec(line) ?? [];
    if (setting !== undefined) {
      writeFileSync(join(directory, '.env'), `${setting.replace('…', key)}\n`);
      continue;
    }
    const composed = /^docker compose (.*)$/.exec(line)?.[1]?.split(' ');
    const since = far.log.entries.length;
    const ended = await (composed === undefined ? type(engine, volumes, line) : compose(...composed));
    assert.equal(ended.code, 0, `${line}\n${ended.out}${ended.err}`);
    if (composed?.includes('newleaf')) await far.log.waitFor({ event: 'connected' }, 120_000, since);
    key = /^\s*password = "(.*)"$/m.exec(ended.out)?.[1] ?? key;
  }
  const shown = await engine.call('exec', 'newleaf', 'newleaf', 'uplink', 'show', 'sensor');
  assert.match(shown.out, /^--volume uplink:\/run\/newleaf-uplink --group-add 990$/m);
  for (const body of ['21.5', 'open']) await far.log.waitFor({ event: 'telemetry', body });
});
