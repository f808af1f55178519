import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { redIn } from '../e2e/check/red.ts';
import { Person } from '../e2e/init/person.ts';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { Shown } from '../e2e/uplink/shown.ts';
import { inside } from '../namespace.ts';
import { APART, ENVIRONMENT, isOnline, type Machine, type Unit } from './machine.ts';
import { debOf, type Site, site } from './site.ts';

const ID = 'gw-0001';
const CONFIGURATION = '/etc/newleaf/newleaf.toml';

const isTold =
  (code: string) =>
  ({ StatusText }: Unit): boolean =>
    StatusText?.includes(code) === true;

/** A gateway that has moved in with a key from a file, which its old program still has. */
async function movedIn(t: TestContext): Promise<Site> {
  const made = await site(t);
  const { far, machine, technician } = made;
  const { cert, key } = await far.clientIdentity(ID);
  machine.write('/root/leaf.pem', cert);
  machine.write('/root/leaf.key', key, 0o600);
  await technician.install(debOf());
  const adopt = ['--adopt', '/root/leaf.pem', '--adopt-key', '/root/leaf.key', '--new-token', 'softhsm'];
  const { code, out, err } = await technician.init(adopt);
  assert.equal(code, 0, `${out}${err}`);
  await machine.must('systemctl', 'enable', '--now', 'newleaf');
  await machine.until(isOnline);
  return made;
}

/**
 * Reads the three places where a technician looks.
 * @param cause must stand at each of them
 * @returns the commands that are printed there, which are the same everywhere
 */
async function commandsFor(machine: Machine, cause: RegExp): Promise<readonly string[]> {
  const status = await machine.run('newleaf', 'status');
  assert.notEqual(status.code, 0, status.out);
  // systemd is told a moment after the others, by systemd-notify(1) before 253.
  await machine.until(({ StatusText = '' }) => cause.test(StatusText));
  const unit = await machine.run('systemctl', 'status', '--lines=0', '--full', 'newleaf');
  const check = await machine.run('newleaf', 'check');
  assert.equal(check.code, /^failed +configuration /m.test(check.out) ? 2 : 1, check.out);
  const places = [`${status.out}${status.err}`, unit.out, redIn(check)[0] ?? ''].map((text) =>
    text.replaceAll(/\s+/g, ' '),
  );
  const commands = places.map((text) => {
    assert.match(text, cause);
    // There is no sudo on this machine, and these are run as root.
    return [...text.matchAll(/`(?:sudo )?((?:newleaf|systemctl) .*?)`/g)].map(([, command = '']) => command);
  });
  assert.deepEqual(commands[1], commands[0]);
  assert.deepEqual(commands[2], commands[0]);
  return commands[0] ?? [];
}

const call = (machine: Machine, command: string) => machine.must(...command.split(' '));

/** The gateway serves with a leaf that works. */
async function assertCured(machine: Machine): Promise<void> {
  await machine.until(isOnline);
  const { code, out } = await machine.run('newleaf', 'check');
  assert.equal(code, 0, out);
}

if (inside(import.meta.filename, APART)) {
  test('the step that is printed cures what is broken', async (t) => {
    const { far, machine } = await movedIn(t);

    await t.test('another client with the same identity, on this gateway', async () => {
      const { hub1: hub } = far.endpoints;
      const [name = '', port = ''] = hub.split(':');
      const who = ['-i', ID, '-u', `${hub}/${ID}/?api-version=2021-04-12`];
      const leaf = ['--cafile', '/etc/newleaf/trust.pem', '--cert', '/root/leaf.pem', '--key', '/root/leaf.key'];
      const topic = ['-q', '1', '-t', `devices/${ID}/messages/devicebound/#`];
      const client = ['mosquitto_sub', '-V', 'mqttv311', '-h', name, '-p', port, ...who, ...leaf, ...topic];
      const again = ['--property=Restart=always', '--property=RestartSec=100ms', '--property=StartLimitIntervalSec=0'];
      await machine.must('systemd-run', '--quiet', '--unit=sensors', ...again, ...client);
      await machine.until(isTold('NL-HUB-FLAPPING'));
      const cause = /NL-HUB-FLAPPING .*another client with the same identity.* program on this gateway .*Stop it/;
      const [add = '', connect = '', ...more] = await commandsFor(machine, cause);
      assert.deepEqual(more, []);
      await machine.must('systemctl', 'stop', 'sensors');
      const shown = new Shown(await call(machine, add.replace('NAME', 'sensors')));
      await call(machine, connect);
      await assertCured(machine);
      const mark = far.log.entries.length;
      await machine.must('sh', '-c', shown.line('mosquitto-clients', 'mosquitto_pub'));
      await far.log.waitFor({ event: 'telemetry' }, PATIENCE_MS, mark);
    });

    await t.test('a slip in the configuration', async () => {
      const before = readFileSync(join(machine.root, CONFIGURATION), 'utf8').split('\n');
      const at = before.findIndex((line) => line.startsWith('renew_at'));
      machine.write(CONFIGURATION, before.with(at, before[at]?.replace('at', 'att') ?? '').join('\n'));
      await machine.run('systemctl', 'restart', 'newleaf');
      const named = new RegExp(`NL-CONFIG ${CONFIGURATION}:${at + 1}: leaf\\.renew_att .* Correct the line`);
      const [restart = ''] = await commandsFor(machine, named);
      machine.write(CONFIGURATION, before.join('\n'));
      await call(machine, restart);
      await assertCured(machine);
    });

    await t.test('a token that is lost, with the key of the leaf', async (t) => {
      await machine.must('sh', '-c', 'rm -r /var/lib/softhsm/tokens/*');
      await machine.run('systemctl', 'restart', 'newleaf');
      await machine.until(isTold('NL-TOKEN-MISSING'));
      const cause = /NL-TOKEN-MISSING No token matches label "newleaf"\. Tokens there: none\./;
      const [stop = '', init = '', ...more] = await commandsFor(machine, cause);
      await call(machine, stop);
      const technician = new Person(t, machine.argv(...init.split(' ')), { ...ENVIRONMENT, TERM: 'xterm' });
      for (const question of ['ID scope', 'Registration ID', 'DPS endpoint']) await technician.answers(question, '');
      for (const question of ['Which one', 'URL', 'File', 'Which one', 'User']) await technician.answers(question, '');
      for (const question of ['Password', 'Renew', 'Which one', 'Name']) await technician.answers(question, '');
      await technician.sees('Token "newleaf" is made.');
      await technician.sees(/NL-TOKEN-KEY [^→]*→ Is it the right token\? If the key is lost: `systemctl start/);
      await technician.ends(1);
      for (const command of more) await call(machine, command);
      await assertCured(machine);
    });
  });
}
