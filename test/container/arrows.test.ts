import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { HANG, only } from './container.ts';
import type { Ended } from './engine.ts';
import { ownEngine } from './own-engine.ts';
import { arrowsIn, blockOf, lineOf, type } from './page.ts';
import { INIT } from './set-up.ts';
import { type Site, site } from './site.ts';

const { engine } = await ownEngine();

const RUN = lineOf(blockOf('Run', 'sh', '--detach'), 'docker run');

/** A person at the host, who types what the page and the screens say. */
class Person {
  readonly site: Site;
  /** What the volume newleaf is on this machine. */
  state = '';

  constructor(t: TestContext, at: Site) {
    this.site = at;
    t.after(() => engine.drop('newleaf'));
  }

  type(line: string, ...more: readonly string[]): Promise<Ended> {
    return type(engine, this.site.volumes, line, ...more);
  }

  async must(line: string, ...more: readonly string[]): Promise<Ended> {
    const ended = await this.type(line, ...more);
    assert.equal(ended.code, 0, `${line}\n${ended.out}${ended.err}`);
    return ended;
  }

  newleaf(...args: readonly string[]): Promise<Ended> {
    return this.type('docker exec newleaf newleaf', ...args);
  }

  /** Types it, and waits until the hub has a session that is newer. */
  async connects(line: string): Promise<void> {
    const { log } = this.site.far;
    const since = log.entries.length;
    await this.must(line);
    await log.waitFor({ event: 'connected' }, 120_000, since);
  }

  /** Asks until the daemon of the container is there. */
  async answered(): Promise<void> {
    while (/NL-(?:CONTROL-GONE|DAEMON-DOWN)/.test((await this.newleaf('status')).err));
  }

  /** The arrow of a screen that begins so. */
  arrow(screen: Ended, begins: string): string {
    const found = arrowsIn(screen).find((command) => command.startsWith(begins));
    assert.ok(found, `${begins}: ${screen.out}${screen.err}`);
    return found;
  }
}

/** A gateway that was set up and started by the lines of the page. */
async function running(t: TestContext): Promise<Person> {
  const person = new Person(t, await site(t));
  await person.must(INIT, ...person.site.flags);
  await person.connects(RUN);
  person.state = (await person.must('docker volume inspect --format {{.Mountpoint}} newleaf')).out.trim();
  return person;
}

/** What the daemon says of itself, when it has ended by a fault. */
async function ended(person: Person, code: string): Promise<Ended> {
  const log = engine.start('logs', '--follow', 'newleaf');
  await new Promise<void>((resolve, reject) => {
    for (const stream of [log.stdout, log.stderr])
      stream.on('data', (chunk) => {
        if (`${chunk}`.includes(code)) resolve();
      });
    log.once('close', () => reject(new Error(`The container has ended without ${code}.`)));
  });
  log.kill();
  return person.newleaf('status');
}

test('a directory of root: it is given to the user of the image, and init goes on', async (t) => {
  const person = new Person(t, await site(t));
  const { configuration } = person.site.volumes;
  execFileSync('chown', ['-R', '0:0', configuration]);
  const refused = await person.type(INIT, ...person.site.flags);
  assert.notEqual(refused.code, 0);
  await person.must(person.arrow(refused, 'docker run'));
  await person.must(
    'docker run --rm --user 0 --volume newleaf:/var/lib/newleaf --entrypoint chown newleaf 0:0 /var/lib/newleaf',
  );
  const again = await person.type(INIT, ...person.site.flags);
  assert.notEqual(again.code, 0);
  await person.must(person.arrow(again, 'docker run'));
  const done = await person.must(INIT, ...person.site.flags);
  // Those of the page, to the letter (test/unit/machine/contained.test.ts).
  assert.ok(done.out.includes(RUN), done.out);
  assert.match(readFileSync(join(configuration, 'newleaf.toml'), 'utf8'), /pin_file = "\/etc\/newleaf\/pin"/);
});

test('init as root of the container sets the same gateway up', async (t) => {
  const person = new Person(t, await site(t));
  chownSync(person.site.volumes.configuration, 0, 0);
  await person.must(INIT.replace('--cap-drop ALL', '--user 0'), ...person.site.flags);
  await person.connects(RUN);
});

test('a daemon that hangs: the engine starts the container again', async (t) => {
  const person = await running(t);
  const { log } = person.site.far;
  const since = log.entries.length;
  assert.equal((await engine.call('exec', 'newleaf', 'sh', '-c', HANG)).code, 0);
  await log.waitFor({ event: 'connected' }, 120_000, since);
  assert.equal((await person.newleaf('status')).code, 0);
});

test('the log is that of the engine', async (t) => {
  const person = await running(t);
  const { out } = await person.must('docker logs newleaf');
  assert.match(out, /"event":"started"/);
});

test('the bundle comes out of the container', async (t) => {
  const person = await running(t);
  const inside = await person.newleaf('support-bundle');
  const [docker, ...words] = person.arrow(inside, 'docker exec').replace(/ >.*$/, '').split(' ');
  assert.equal(docker, 'docker');
  const archive = await buffer(engine.start(...words).stdout);
  assert.match(gunzipSync(archive).toString('latin1'), /check\.json/);
});

test('a person brings a leaf: CSR out of the container, leaf into it', async (t) => {
  const person = await running(t);
  const csr = await person.newleaf('csr');
  const [docker, ...words] = person.arrow(csr, 'docker exec --interactive').replace(/ <.*$/, '').split(' ');
  assert.equal(docker, 'docker');
  const install = engine.start(...words);
  install.stdin.end(await person.site.far.issue(csr.out));
  const [code] = await once(install, 'close');
  assert.equal(code, 0);
});

test('a command in another container asks there', async (t) => {
  const person = await running(t);
  const { configuration } = person.site.volumes;
  const beside = (...args: readonly string[]) => only(engine, { configuration, state: 'newleaf' }, args);
  const roll = await beside('roll');
  assert.match(roll.err, /NL-CONTROL-GONE/);
  await person.must(person.arrow(roll, 'docker exec'));
  const logins = () => statSync(join(person.state, 'tokens')).mtimeMs;
  const before = logins();
  const check = await beside('check');
  assert.match(
    check.out.replaceAll(/\s+/g, ' '),
    /skipped module-loads The daemon has the token, in another container /,
  );
  assert.doesNotMatch(check.out, /NL-TOKEN/);
  assert.equal(logins(), before);
  await person.must(person.arrow(check, 'docker exec newleaf newleaf check'));
});

test('a password is for all: root of the engine closes it', async (t) => {
  const person = await running(t);
  const password = join(person.site.volumes.configuration, 'est-password');
  chmodSync(password, 0o644);
  const arrows = arrowsIn(await person.newleaf('check')).filter((command) => command.startsWith('docker run'));
  assert.deepEqual(
    arrows.map((command) => /--entrypoint (\w+)/.exec(command)?.[1]),
    ['chown', 'chmod'],
  );
  for (const arrow of arrows) await person.must(arrow);
  assert.equal(statSync(password).mode & 0o777, 0o600);
});

test('the PIN is wrong: another one, and a restart', async (t) => {
  const person = await running(t);
  const file = join(person.site.volumes.configuration, 'pin');
  const right = readFileSync(file);
  writeFileSync(file, '0000\n');
  await person.must('docker restart newleaf');
  const screen = await ended(person, 'NL-TOKEN-PIN');
  writeFileSync(file, right);
  await person.connects(person.arrow(screen, 'docker restart'));
});

test('the token is lost: stop, another token, start, and a roll', async (t) => {
  const person = await running(t);
  rmSync(join(person.state, 'tokens'), { recursive: true });
  await person.must('docker restart newleaf');
  const screen = await ended(person, 'NL-TOKEN-MISSING');
  await person.must(person.arrow(screen, 'docker stop'));
  await person.must(person.arrow(screen, 'docker run'), ...person.site.flags);
  await person.must(person.arrow(screen, 'docker restart'));
  await person.answered();
  await person.must(`docker exec newleaf ${person.arrow(screen, 'newleaf roll --wait')}`);
});

test('the state is of a newer newleaf: its image is run again', async (t) => {
  const person = await running(t);
  const file = join(person.state, 'state.json');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace(/"format": ?\d+/, '"format":1000'));
  await person.must('docker restart newleaf');
  const screen = await ended(person, 'NL-STATE-NEWER');
  assert.doesNotMatch(screen.out + screen.err, /dpkg/);
  await person.must(person.arrow(screen, 'docker rm'));
  // Here the newer image is the only one.
  writeFileSync(file, text);
  await person.connects(RUN);
});

test('the gateway is given up, and set up again', async (t) => {
  const person = await running(t);
  const refused = await person.newleaf('decommission', '--yes');
  await person.must(person.arrow(refused, 'docker stop'));
  const again = person.arrow(refused, 'docker run');
  const given = await person.must(again, '--yes');
  await person.must('docker rm newleaf');
  await person.must(person.arrow(given, 'docker run'), ...person.site.flags);
  await person.connects(RUN);
});

test('a container that runs before init says how to set it up', async (t) => {
  const person = new Person(t, await site(t));
  await person.must(RUN);
  const screen = await ended(person, 'NL-CONFIG');
  await person.must(person.arrow(screen, 'docker run'), ...person.site.flags);
  await person.connects('docker restart newleaf');
});
