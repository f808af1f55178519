import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCommand } from '../contract/issuer/command.ts';
import { startSimulator } from '../simulator/simulator.ts';
import { scratch } from '../unit/state/disk.ts';
import { Gateway } from './stage/gateway.ts';
import { PATIENCE_MS, serving } from './stage/site.ts';

const PIN = 'pin-81f5c0de7a';

/** Every file below a directory, with its text. */
function filesBelow(directory: string): readonly (readonly [path: string, text: string])[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path, readFileSync(path, 'latin1')] as const);
}

const textOf = (files: ReturnType<typeof filesBelow>): string => files.map(([, text]) => text).join('\n');

/** A secret as it is, and as it would look in a header, in a URL, in hex. */
function shapesOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [secret, bytes.toString('base64'), bytes.toString('hex'), encodeURIComponent(secret)];
}

test('neither key, PIN nor password leaves its place', async (t) => {
  const preload = join(import.meta.dirname, 'stage', 'preload-witness.cjs');
  const { far, gateway, session } = await serving(t, { pin: PIN, nodeOptions: ['--require', preload] });
  // One roll, so that the child that destroys a key has been there, too.
  assert.equal((await gateway.post('/v1/roll')).status, 202);
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, session.seq);
  await gateway.settled();
  const proc = (name: string) => readFileSync(`/proc/${gateway.pid}/${name}`, 'latin1');
  const witnesses = filesBelow(gateway.directory).filter(([path]) => path.endsWith('.witness'));

  await t.test('the token says that the key was made in it, and cannot be read', () => {
    const listed = gateway.token.ask('--list-objects', '--type', 'privkey').toString();
    const access = /^ {2}Access: +(.+)$/m.exec(listed)?.[1]?.split(', ');
    assert.deepEqual(access, ['sensitive', 'always sensitive', 'never extractable', 'local']);
  });

  await t.test('SIGUSR1 opens no debugger, which would let each user of the machine sign', async () => {
    process.kill(Number(gateway.pid), 'SIGUSR1');
    // node tells where it listens, before it answers anything else.
    assert.equal((await gateway.command('status')).code, 0);
    assert.doesNotMatch(gateway.noise, /Debugger/);
  });

  const places: Readonly<Record<string, () => string>> = {
    log: () => JSON.stringify(gateway.log.lines) + gateway.noise,
    'command line': () => proc('cmdline'),
    environment: () => proc('environ'),
    'children, and the one that destroys a key': () => {
      const text = textOf(witnesses.filter(([path]) => !path.includes(`.${gateway.pid}.`)));
      assert.match(text, /internal-work\0destroy/);
      return text;
    },
    'state files': () => textOf(filesBelow(gateway.stateDirectory)),
  };
  const secrets: Readonly<Record<string, readonly string[]>> = {
    'a private key': ['PRIVATE KEY'],
    'the PIN': shapesOf(PIN),
    'the EST password': [
      ...shapesOf(far.endpoints.estPassword),
      Buffer.from(`${far.endpoints.estUsername}:${far.endpoints.estPassword}`).toString('base64'),
    ],
  };
  for (const [place, read] of Object.entries(places)) {
    await t.test(`nothing in: ${place}`, () => {
      const text = read();
      assert.ok(text.length > 10, 'there was something to look at');
      for (const [name, shapes] of Object.entries(secrets)) {
        for (const shape of shapes) assert.ok(!text.includes(shape), `${name} is in the ${place}`);
      }
    });
  }

  await t.test('nothing else is left in the state directory', () => {
    const names = filesBelow(gateway.stateDirectory).map(([path]) => path.slice(gateway.stateDirectory.length + 1));
    const known = names.map((name) => name.replace(/[0-9a-f]{32}/, 'ID')).sort();
    assert.deepEqual(known, ['chain.pem', 'csr/gw-0001.ID.pem', 'daemon.lock', 'leaf.pem', 'state.json', 'token-uri']);
  });
});

test('nor does the PIN reach programs of others: the issuer’s command, and systemd-notify', async (t) => {
  const far = await startSimulator();
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const command = await openCommand(far);
  const bin = scratch(t);
  const gateway = new Gateway(far.endpoints, {
    pin: PIN,
    runner: ['env', `PATH=${bin}:${process.env.PATH}`, 'NOTIFY_SOCKET=/nowhere'],
    settings: {
      ...command.settings,
      'issuer.command.argv': JSON.stringify([
        join(bin, 'issuer'),
        ...JSON.parse(command.settings['issuer.command.argv'] ?? ''),
      ]),
    },
  });
  t.after(async () => {
    await gateway.remove();
    await command.close?.();
    await far.close();
  });
  // Each writes down what it was given: words, variables, and open files by name.
  const spy = (name: string, rest: string) =>
    `#!/bin/sh\n{ echo "$0 $*"; cat /proc/$$/environ; readlink /proc/$$/fd/*; } >>${gateway.directory}/${name}.seen\n${rest}\n`;
  for (const [name, rest] of [
    ['issuer', 'exec "$@"'],
    ['systemd-notify', ''],
  ] as const) {
    writeFileSync(join(bin, name), spy(name, rest), { mode: 0o755 });
  }
  await gateway.start();
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await gateway.settled();
  for (const [name, said] of [
    ['issuer', 'NEWLEAF_REGISTRATION_ID=gw-0001'],
    ['systemd-notify', 'READY=1'],
  ] as const) {
    const text = readFileSync(join(gateway.directory, `${name}.seen`), 'latin1');
    assert.ok(text.includes(said), `${name} was there`);
    for (const shape of [...shapesOf(PIN), '/.pin-', 'PRIVATE KEY'])
      assert.ok(!text.includes(shape), `${shape}: ${name}`);
  }
});
