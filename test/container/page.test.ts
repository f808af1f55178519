import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { atHome, composer, directoryOf } from './compose.ts';
import { ownEngine } from './engine.ts';
import { makeImage } from './made-image.ts';
import { blockOf, lineOf, type } from './page.ts';
import { type Site, site } from './site.ts';

const { engine } = ownEngine();

const INIT = lineOf(blockOf('Run', 'sh', 'newleaf init'), 'docker run');

/** A gateway that was set up by the page's line: its state is in the volume `newleaf`. */
async function setUp(t: TestContext): Promise<Site> {
  const made = await site(t);
  const { code, out, err } = await type(engine, made.volumes, INIT, ...made.flags);
  t.after(() => engine.podman('volume', 'rm', '--force', 'newleaf'));
  assert.equal(code, 0, out + err);
  return made;
}

/** The container is up: the hub has its session, it answers, and its probe is content. */
async function serves({ far }: Site, container: string, since: number): Promise<void> {
  await far.log.waitFor({ event: 'connected' }, 120_000, since);
  const status = await engine.podman('exec', container, 'newleaf', 'status');
  assert.equal(status.code, 0, status.out + status.err);
  const probe = await engine.podman('healthcheck', 'run', container);
  assert.equal(probe.code, 0, probe.out + probe.err);
}

/** The far side is on the loopback of this machine. */
const HERE = 'services: { newleaf: { network_mode: host } }\n';

test('the compose file, by podman-compose', async (t) => {
  const made = await setUp(t);
  const { compose } = composer(engine, {
    'compose.yaml': atHome(blockOf('Compose', 'yaml'), made.volumes),
    'here.yaml': HERE,
  });
  t.after(() => compose('down'));
  const since = made.far.log.entries.length;
  const { code, err } = await compose('up', '--detach');
  assert.equal(code, 0, err);
  await serves(made, 'newleaf', since);
});

test('the quadlet: the line that its unit starts', async (t) => {
  const made = await setUp(t);
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
  t.after(() => engine.podman('rm', '--force', '--time=5', 'newleaf'));
  const since = made.far.log.entries.length;
  const started = await engine.podman(...words);
  assert.equal(started.code, 0, started.err);
  await serves(made, 'newleaf', since);
});

test('the manifest for Kubernetes, by podman kube play', async (t) => {
  const made = await setUp(t);
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
  t.after(() => engine.podman('kube', 'down', manifest));
  const since = made.far.log.entries.length;
  const played = await engine.podman('kube', 'play', '--network=host', '--start=false', manifest);
  assert.equal(played.code, 0, played.err);
  // podman 5.4 reads fsGroup, and does nothing about it: Kubernetes gives volumes to this group.
  assert.match(deployment, /fsGroup: 990/);
  const { out } = await engine.podman('volume', 'inspect', '--format={{.Mountpoint}}', 'newleaf-secrets');
  execFileSync('chgrp', ['-R', '990', out.trim()]);
  const started = await engine.podman('pod', 'start', 'newleaf-pod');
  assert.equal(started.code, 0, started.err);
  await serves(made, 'newleaf-pod-newleaf', since);
  const check = await engine.podman('exec', 'newleaf-pod-newleaf', 'newleaf', 'check', 'permissions');
  assert.match(check.out, /^ok +permissions/m);
});

test('the metrics, by another container', async (t) => {
  const made = await setUp(t);
  await makeImage(engine, '/usr/bin/curl', 'docker.io/curlimages/curl:latest', 'ENTRYPOINT ["/usr/bin/curl"]');
  const lines = blockOf('Metrics', 'sh').trim().split('\n');
  const [create = '', run = '', ask = ''] = lines;
  const volume = /--volume newleaf-run:\S+/.exec(run)?.[0] ?? '';
  const start = lineOf(blockOf('Run', 'sh', '--detach'), 'docker run').replace(/--tmpfs \/run\/newleaf\S*/, volume);
  // In one mount namespace, which the containers of a machine have, and those of two calls have not here.
  const [enter = '', containers = '', ...podman] = engine.command;
  const script = [create, atHome(start, made.volumes), `until ${ask}; do sleep 0.2; done`]
    .join('\n')
    .replaceAll(/\bdocker (?=volume|run)/g, `${podman.join(' ')} `);
  const child = spawn(enter, [containers, 'sh', '-c', script], {
    env: engine.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => engine.podman('rm', '--force', '--time=5', 'newleaf'));
  const ended = once(child, 'close');
  assert.match(await text(child.stdout), /^newleaf_online /m);
  await ended;
});
