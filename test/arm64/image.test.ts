import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { site } from '../e2e/stage/site.ts';
import { debian, ENTER } from '../package/installed.ts';
import { CONTAINER, Image } from './container.ts';
import { initRunRoll } from './story.ts';

const BUILD = join(import.meta.dirname, '..', 'container', 'build-image');

const SETTINGS = {
  'hsm.module': '"/hsm/libsofthsm2.so"',
  'hsm.pin_file': '"/run/secrets/hsm-pin"',
  'state.directory': '"/var/lib/newleaf"',
  'control.socket': '"/run/newleaf/control.sock"',
};

test('Dockerfile.arm64 in emulation, with a read-only root and nothing that root may: init, run, roll', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-image-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  execFileSync(ENTER, ['--arm64', '/', BUILD, directory, 'arm64'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const image = new Image(directory);
  const { Entrypoint, Cmd, Healthcheck, User, Volumes } = image.config;
  assert.deepEqual([Entrypoint, Cmd, User], [['newleaf-container'], ['run'], '990:990']);
  assert.deepEqual(Object.keys(Volumes), ['/run/newleaf', '/var/lib/newleaf']);

  const [bundle, health] = [join(directory, 'bundle'), join(directory, 'health')];
  const { gateway } = await site(t, { program: [CONTAINER, bundle], settings: SETTINGS });
  const { hsm } = gateway.token;
  const state = join(directory, 'state');
  mkdirSync(state);
  const hosts = join(directory, 'hosts');
  writeFileSync(hosts, '127.0.0.1 localhost\n');
  const { uid, gid } = image.user;
  execFileSync('chown', ['-R', `${uid}:${gid}`, state, gateway.directory, hsm.directory]);
  const libraries = debian(t, 'arm64');
  const given = {
    readable: {
      '/etc/hosts': hosts,
      '/etc/newleaf': gateway.directory,
      [gateway.directory]: gateway.directory,
      '/hsm/libsofthsm2.so': libraries.path(hsm.module),
      '/hsm/libsqlite3.so.0': libraries.path('/usr/lib/aarch64-linux-gnu/libsqlite3.so.0'),
      '/run/secrets/hsm-pin': join(gateway.directory, 'pin'),
    },
    writable: { '/var/lib/newleaf': state, '/run/newleaf': gateway.directory, [hsm.directory]: hsm.directory },
    env: Object.entries(hsm.environment).map(([name, value]) => `${name}=${value}`),
  };
  image.contain(bundle, Entrypoint, given);
  image.contain(health, Healthcheck.Test.slice(1), given);
  const healthy = () => spawnSync(CONTAINER, [health]).status;

  await initRunRoll(gateway, () => assert.equal(healthy(), 0));
  assert.equal(healthy(), 1);
});
