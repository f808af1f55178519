import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { atHome, directoryOf } from './compose.ts';
import { ownEngine } from './own-engine.ts';
import { blockOf } from './page.ts';
import { serves, setUp } from './set-up.ts';

// What podman alone has.
const { engine } = await ownEngine();

test('the quadlet: the line that its unit starts', async (t) => {
  const made = await setUp(t, engine);
  const directory = directoryOf({ 'newleaf.container': blockOf('podman under systemd', 'ini') });
  const unit = execFileSync('/usr/libexec/podman/quadlet', ['-dryrun'], {
    env: { ...process.env, QUADLET_UNIT_DIRS: directory },
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString();
  assert.match(unit, /^Restart=always$/m);
  assert.match(unit, /^WantedBy=multi-user\.target$/m);
  const [, line = ''] = /^ExecStart=\S*podman (.*)$/m.exec(unit) ?? [];
  // What belongs to a unit: its control group, its notification, its directory.
  const words = atHome(line, made.volumes)
    .split(' ')
    .filter((word) => !/^--(cgroups|sdnotify|cidfile)=/.test(word));
  const since = made.far.log.entries.length;
  const started = await engine.call(...words);
  assert.equal(started.code, 0, started.err);
  await serves(engine, made, 'newleaf', since);
});

test('the manifest for Kubernetes, by podman kube play', async (t) => {
  const made = await setUp(t, engine);
  const { configuration } = made.volumes;
  const text = (name: string) => readFileSync(join(configuration, name), 'utf8');
  const isSecret = (name: string) => ['pin', 'so-pin', 'est-password'].includes(name);
  const files = readdirSync(configuration).filter((name) => !isSecret(name));
  // As the page says: the secrets are those of the Secret.
  const moved = (name: string) =>
    text(name)
      .replace(/^pin_file = .*\n/m, '')
      .replace(/^password_file = .*$/m, 'password_file = "/run/secrets/est-password"');
  const data = Object.fromEntries(files.map((name) => [name, moved(name)]));
  const secrets = { 'hsm-pin': text('pin'), 'est-password': text('est-password') };
  const objects = [
    { kind: 'ConfigMap', metadata: { name: 'newleaf-configuration' }, data },
    { kind: 'Secret', metadata: { name: 'newleaf-secrets' }, stringData: secrets },
  ].map((one) => JSON.stringify({ apiVersion: 'v1', ...one }));
  const deployment = blockOf('Kubernetes', 'yaml');
  assert.match(deployment, /strategy: \{ type: Recreate \}/);
  const directory = directoryOf({ 'newleaf.yaml': [...objects, deployment].join('\n---\n') });
  const manifest = join(directory, 'newleaf.yaml');
  t.after(() => engine.call('kube', 'down', manifest));
  const since = made.far.log.entries.length;
  const played = await engine.call('kube', 'play', '--network=host', '--start=false', manifest);
  assert.equal(played.code, 0, played.err);
  // podman 5.4 reads fsGroup, and does nothing about it: Kubernetes gives volumes to this group.
  assert.match(deployment, /fsGroup: 990/);
  const { out } = await engine.call('volume', 'inspect', '--format={{.Mountpoint}}', 'newleaf-secrets');
  execFileSync('chgrp', ['-R', '990', out.trim()]);
  const started = await engine.call('pod', 'start', 'newleaf-pod');
  assert.equal(started.code, 0, started.err);
  await serves(engine, made, 'newleaf-pod-newleaf', since);
  const check = await engine.call('exec', 'newleaf-pod-newleaf', 'newleaf', 'check', 'permissions');
  assert.match(check.out, /^ok +permissions/m);
});
