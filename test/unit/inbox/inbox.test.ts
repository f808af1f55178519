import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { testAsOthers } from '../../as-others.ts';
import { withUmask } from '../../put-back.ts';
import { ended } from '../cli/stage.ts';
import { scratch } from '../state/disk.ts';
import { accepted, refusal, Stage, started } from './stage.ts';

describe('a chain that is dropped', () => {
  test('is handed on once nobody has written to it for 2 s, and removed when it is accepted', async (t) => {
    const stage = new Stage(t);
    await stage.start();
    stage.drop('gw.pem', 'first half, ');
    await stage.heard();
    await stage.pass(3_900);
    assert.equal(stage.asks.length, 0);
    appendFileSync(join(stage.directory, 'inbox', 'gw.pem'), 'second half');
    await stage.pass(1_900);
    assert.equal(stage.asks.length, 0);
    await stage.pass(2_300);
    const [ask] = stage.asks;
    assert.equal(ask?.delivered.toString(), 'first half, second half');
    assert.equal(ask?.from, 'technician');
    assert.match(ask?.id ?? '', /^inbox-gw\.pem-[0-9a-f]{8}$/);
    assert.deepEqual(stage.names('inbox'), []);
    assert.deepEqual(stage.logged, [
      {
        event: 'inbox-accepted',
        message: 'gw.pem is accepted. By A.',
        id: ask?.id,
        thumbprint: 'AA',
        path: join(stage.directory, 'inbox', 'gw.pem'),
      },
    ]);
    await stage.pass(120_000);
    assert.equal(stage.asks.length, 1);
  });

  test('before the daemon runs is found at the start', async (t) => {
    const stage = await started(t, () => ({ is: 'ended', outcome: ended() }));
    assert.deepEqual([stage.asks.length, stage.names('inbox')], [1, []]);
  });

  test('twice is handed on one after the other, the older one first', async (t) => {
    const stage = new Stage(t);
    for (const [name, at] of [
      ['b.pem', 2],
      ['a.pem', 3],
      ['c.pem', 1],
      ['d.pem', 1],
    ] as const) {
      stage.drop(name, name);
      utimesSync(join(stage.directory, 'inbox', name), at, at);
    }
    let inFlight = 0;
    stage.answer = async () => {
      inFlight += 1;
      assert.equal(inFlight, 1);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight -= 1;
      return accepted;
    };
    await stage.start();
    await stage.pass(2_000);
    assert.deepEqual(
      stage.asks.map(({ delivered }) => delivered.toString()),
      ['c.pem', 'd.pem', 'b.pem', 'a.pem'],
    );
  });

  test('again after a restart has the same ID; another one of that name has another', async (t) => {
    const stage = await started(t, () => refusal('NL-BUSY', 'busy'));
    await stage.inbox?.close();
    await stage.start();
    await stage.pass(2_000);
    utimesSync(join(stage.directory, 'inbox', 'gw.pem'), 1, 1);
    await stage.heard();
    await stage.pass(4_000);
    const [first, again, other] = stage.asks.map(({ id }) => id);
    assert.equal(first, again);
    assert.notEqual(first, other);
  });

  test('under a name that no request could have', async (t) => {
    const stage = new Stage(t);
    stage.drop(`Neues Zertifikat\n(3) ${'x'.repeat(200)}.pem`);
    await stage.start();
    await stage.pass(2_000);
    assert.match(stage.asks[0]?.id ?? '', /^inbox-Neues-Zertifikat-3-x{45}-[0-9a-f]{8}$/);
  });
});

describe('what is not taken', () => {
  const odd: readonly (readonly [what: string, make: (path: string) => void, reason: RegExp])[] = [
    ['a link', (path) => symlinkSync('/etc/passwd', path), /gw\.pem is not a regular file\./],
    ['a link to nowhere', (path) => symlinkSync('none', path), /gw\.pem is not a regular file\./],
    ['a pipe', (path) => void execFileSync('mkfifo', [path]), /gw\.pem is not a regular file\./],
    ['too large', (path) => writeFileSync(path, Buffer.alloc(262_145)), /gw\.pem has 262145 bytes; 262144 are/],
  ];
  for (const [what, make, reason] of odd) {
    test(`${what}: rejected, and the daemon is not bothered`, async (t) => {
      const stage = new Stage(t);
      mkdirSync(join(stage.directory, 'inbox'));
      make(join(stage.directory, 'inbox', 'gw.pem'));
      await stage.start();
      await stage.pass(10_000);
      assert.deepEqual([stage.asks, stage.names('inbox')], [[], []]);
      assert.deepEqual(stage.names('rejected'), ['gw.pem', 'gw.pem.reason']);
      assert.match(stage.rejected('gw.pem.reason'), reason);
      assert.deepEqual(stage.events, ['inbox-rejected NL-LEAF-PARSE']);
    });
  }

  test('a directory stays where it is, with one word to the log, and is never gone into', async (t) => {
    const stage = new Stage(t);
    const inside = join(stage.directory, 'inbox', 'gw.pem', 'deep');
    mkdirSync(inside, { recursive: true });
    writeFileSync(join(inside, 'file'), 'precious');
    mkdirSync(join(stage.directory, 'inbox', 'other'));
    await stage.start();
    await stage.pass(180_000);
    // Its own time changes with what is put into it: that is nothing new to tell.
    writeFileSync(join(stage.directory, 'inbox', 'gw.pem', 'more'), '');
    await stage.pass(180_000);
    assert.deepEqual([stage.asks, stage.names('inbox'), stage.names('rejected')], [[], ['gw.pem', 'other'], []]);
    assert.equal(readFileSync(join(inside, 'file'), 'utf8'), 'precious');
    assert.deepEqual(stage.events, ['inbox-waits NL-LEAF-PARSE']);
    assert.match(
      stage.logged[0]?.message ?? '',
      /^There are directories in .*inbox, (gw\.pem|other) for one: newleaf leaves them/,
    );
    await stage.deliver('good.pem');
    assert.deepEqual([stage.asks.length, stage.events[1]], [1, 'inbox-accepted']);
  });

  testAsOthers(
    import.meta.filename,
    'what may not be read gets ten seconds for its permissions, then it is rejected',
    async (t) => {
      const stage = new Stage(t);
      await stage.start();
      stage.drop('gw.pem');
      chmodSync(join(stage.directory, 'inbox', 'gw.pem'), 0);
      await stage.heard();
      await stage.pass(9_000);
      assert.deepEqual(stage.names('inbox'), ['gw.pem']);
      await stage.pass(5_000);
      assert.deepEqual(stage.names('rejected'), ['gw.pem', 'gw.pem.reason']);
      assert.match(
        stage.rejected('gw.pem.reason'),
        /^NL-LEAF-PARSE gw\.pem cannot be read\. \(EACCES.* Make it readable/,
      );
    },
  );
});

describe('directories', () => {
  test('are made for the group, whatever the umask', async (t) => {
    withUmask(0o077, t);
    const stage = new Stage(t);
    await stage.start();
    const mode = (name: string) => statSync(join(stage.directory, name)).mode & 0o777;
    assert.deepEqual([mode('inbox'), mode('rejected')], [0o770, 0o750]);
  });

  test('that are there keep the mode that somebody gave them', async (t) => {
    const stage = new Stage(t);
    mkdirSync(join(stage.directory, 'inbox'));
    chmodSync(join(stage.directory, 'inbox'), 0o700);
    await stage.start();
    assert.equal(statSync(join(stage.directory, 'inbox')).mode & 0o777, 0o700);
  });

  test('that vanish are made again, and what is dropped there is heard', async (t) => {
    const stage = new Stage(t);
    await stage.start();
    rmSync(join(stage.directory, 'inbox'), { recursive: true });
    rmSync(join(stage.directory, 'rejected'), { recursive: true });
    await stage.heard();
    await stage.pass(2_000);
    assert.deepEqual([stage.names('inbox'), stage.names('rejected')], [[], []]);
    assert.equal(await stage.clock.asleep(), 600_000);
    await stage.deliver();
    assert.deepEqual([stage.asks.length, stage.names('inbox')], [1, []]);
  });

  test('the one for what is refused is made again as soon as it is needed', async (t) => {
    const stage = new Stage(t);
    stage.answer = () => refusal('NL-LEAF-CN');
    await stage.start();
    rmSync(join(stage.directory, 'rejected'), { recursive: true });
    await stage.deliver();
    assert.deepEqual([stage.names('inbox'), stage.names('rejected')], [[], ['gw.pem', 'gw.pem.reason']]);
  });

  test('that are moved away with all that they are in are made again within a quarter of an hour', async (t) => {
    const directory = join(scratch(t), 'state');
    mkdirSync(directory);
    const stage = new Stage(t, directory);
    await stage.start();
    renameSync(directory, `${directory}.old`);
    await stage.pass(900_000);
    assert.deepEqual([stage.names('inbox'), stage.names('rejected')], [[], []]);
    await stage.deliver();
    assert.equal(stage.asks.length, 1);
  });

  test('that others take the place of are watched from the next look on', async (t) => {
    const directory = join(scratch(t), 'state');
    mkdirSync(directory);
    const stage = new Stage(t, directory);
    await stage.start();
    renameSync(directory, `${directory}.old`);
    stage.drop('gw.pem');
    await stage.pass(900_000);
    assert.equal(stage.asks.length, 1, 'found by the look every ten minutes');
    await stage.deliver('gw-2.pem');
    assert.equal(stage.asks.length, 2, 'heard');
  });

  test('that cannot be made are complained about once, and looked for once a minute', async (t) => {
    const stage = new Stage(t);
    writeFileSync(join(stage.directory, 'inbox'), 'a file in its place');
    await stage.start();
    await stage.pass(180_000);
    assert.deepEqual(stage.events, ['inbox-waits NL-STATE-WRITE']);
    rmSync(join(stage.directory, 'inbox'));
    stage.drop('gw.pem');
    await stage.pass(62_000);
    assert.equal(stage.asks.length, 1);
    rmSync(join(stage.directory, 'inbox'), { recursive: true });
    writeFileSync(join(stage.directory, 'inbox'), 'a file in its place');
    await stage.heard();
    await stage.pass(180_000);
    const waits = ['inbox-waits NL-STATE-WRITE', 'inbox-accepted', 'inbox-waits NL-STATE-WRITE'];
    assert.deepEqual(stage.events, waits, 'and again when it is so again');
  });
});
