import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { MOST_KEPT, reject } from '../../../agent/inbox/reject.ts';
import { testAsOthers } from '../../as-others.ts';
import { accepted, later, refusal, Stage, started } from './stage.ts';

describe('a chain that is refused', () => {
  test('is moved to rejected, with the reason beside it', async (t) => {
    const stage = await started(t, () => refusal('NL-LEAF-CN'), 'of another gateway');
    assert.deepEqual([stage.names('inbox'), stage.names('rejected')], [[], ['gw.pem', 'gw.pem.reason']]);
    assert.equal(stage.rejected('gw.pem'), 'of another gateway');
    assert.equal(
      stage.rejected('gw.pem.reason'),
      'NL-LEAF-CN The CN of the issued leaf is not the registration ID. Operator of the CA: keep the subject of the CSR.\n',
    );
    assert.deepEqual(stage.events, ['inbox-rejected NL-LEAF-CN']);
    assert.equal(stage.logged[0]?.path, join(stage.directory, 'rejected', 'gw.pem'));
  });

  test('has its name in the reason, without what a terminal would obey', async (t) => {
    const stage = new Stage(t);
    mkdirSync(join(stage.directory, 'inbox'));
    symlinkSync('/nowhere', join(stage.directory, 'inbox', '\u001b]0;owned\u0007.pem'));
    await stage.start();
    await stage.pass(12_000);
    const [reason = ''] = stage.names('rejected').filter((name) => name.endsWith('.reason'));
    assert.match(stage.rejected(reason), /^NL-LEAF-PARSE \?\]0;owned\?\.pem is not a regular file/);
  });

  test('does not replace an older one of its name', async (t) => {
    const stage = new Stage(t);
    await stage.start();
    for (const [number, code] of (['NL-LEAF-CN', 'NL-LEAF-EKU', 'NL-LEAF-KEY'] as const).entries()) {
      stage.answer = () => refusal(code);
      await stage.deliver('gw.pem', `number ${number}`);
    }
    assert.deepEqual(
      stage.names('rejected').filter((name) => !name.endsWith('.reason')),
      ['gw.pem', 'gw.pem.2', 'gw.pem.3'],
    );
    assert.equal(stage.rejected('gw.pem.3'), 'number 2');
    assert.match(stage.rejected('gw.pem.2.reason'), /^NL-LEAF-EKU /);
  });

  test('pushes out the oldest, with its reason, where many lie there', async (t) => {
    const stage = new Stage(t);
    stage.answer = () => refusal('NL-LEAF-CN');
    await stage.start();
    for (let number = 0; number < MOST_KEPT; number += 1) {
      const reason = join(stage.directory, 'rejected', `${number}.pem.reason`);
      writeFileSync(join(stage.directory, 'rejected', `${number}.pem`), '');
      writeFileSync(reason, '');
      utimesSync(reason, number, number);
    }
    await stage.deliver();
    const left = stage.names('rejected');
    assert.equal(left.length, 2 * MOST_KEPT);
    assert.deepEqual(
      ['0.pem', '0.pem.reason', '1.pem', 'gw.pem', 'gw.pem.reason'].filter((name) => left.includes(name)),
      ['1.pem', 'gw.pem', 'gw.pem.reason'],
    );
  });

  test('and is a directory by the time it is moved stays where it is', async (t) => {
    const stage = new Stage(t);
    const path = join(stage.directory, 'inbox', 'gw.pem');
    const failed = failure('NL-LEAF-CN');
    mkdirSync(join(stage.directory, 'rejected'));
    mkdirSync(join(path, 'inside'), { recursive: true });
    const delivery = { name: 'gw.pem', path, mark: '', writtenAt: 0 };
    await assert.rejects(reject(delivery, join(stage.directory, 'rejected'), failed), { code: 'ENOTDIR' });
    assert.deepEqual([stage.names('inbox'), stage.names('rejected')], [['gw.pem'], []]);
    assert.ok(existsSync(join(path, 'inside')));
  });

  test('pushes out no directory that a person has put there, and goes on with the others', async (t) => {
    const stage = new Stage(t);
    stage.answer = () => refusal('NL-LEAF-CN');
    await stage.start();
    const at = (name: string) => join(stage.directory, 'rejected', name);
    // Where the links lead is what a recursive removal would reach.
    const outside = join(stage.directory, 'state.json');
    writeFileSync(outside, 'precious');
    mkdirSync(join(at('directory'), 'deep'), { recursive: true });
    writeFileSync(join(at('directory'), 'deep', 'file'), '');
    symlinkSync(outside, at('link'));
    writeFileSync(at('file'), '');
    for (const name of ['directory', 'link', 'file']) {
      writeFileSync(at(`${name}.reason`), '');
      utimesSync(at(`${name}.reason`), 1, 1);
    }
    for (let number = 0; number < MOST_KEPT; number += 1) writeFileSync(at(`${number}.pem.reason`), '');
    await stage.deliver();
    const left = stage.names('rejected').filter((name) => /^(directory|link|file)/.test(name));
    assert.deepEqual(left, ['directory', 'directory.reason']);
    assert.ok(existsSync(join(at('directory'), 'deep', 'file')) && existsSync(outside));
  });

  test('whose reason cannot be written stays: it would be gone without one', async (t) => {
    const stage = new Stage(t);
    stage.answer = () => refusal('NL-LEAF-CN');
    mkdirSync(join(stage.directory, 'rejected', 'gw.pem.reason'), { recursive: true });
    stage.drop('gw.pem');
    await stage.start();
    await stage.pass(2_000);
    assert.deepEqual([stage.names('inbox'), stage.names('rejected')], [['gw.pem'], ['gw.pem.reason']]);
    assert.deepEqual(stage.events, ['inbox-waits NL-STATE-WRITE']);
  });

  test('has a name so long that no reason fits beside it', async (t) => {
    const stage = new Stage(t);
    stage.answer = () => refusal('NL-LEAF-CN');
    stage.drop('ä'.repeat(125));
    stage.drop(`${'x'.repeat(251)}.pem`);
    await stage.start();
    await stage.pass(2_000);
    assert.deepEqual(stage.names('rejected'), ['-', '-.reason', 'x'.repeat(200), `${'x'.repeat(200)}.reason`]);
  });

  testAsOthers(import.meta.filename, 'but cannot be moved stays, and is tried again', async (t) => {
    const stage = new Stage(t);
    stage.answer = () => refusal('NL-LEAF-CN');
    await stage.start();
    stage.drop('gw.pem');
    const allow = (mode: number) => {
      for (const path of ['inbox', 'rejected']) chmodSync(join(stage.directory, path), mode);
    };
    allow(0o555);
    await stage.heard();
    await stage.pass(70_000);
    assert.deepEqual(stage.names('inbox'), ['gw.pem']);
    assert.deepEqual(stage.events, ['inbox-waits NL-STATE-WRITE']);
    assert.match(
      stage.logged[0]?.message ?? '',
      /gw\.pem is refused \(NL-LEAF-CN\), and cannot be moved to .*rejected/,
    );
    allow(0o755);
    await stage.pass(60_000);
    assert.deepEqual(stage.names('rejected'), ['gw.pem', 'gw.pem.reason']);
  });
});

describe('what cannot be read as a chain', () => {
  test('may be half of an upload that stalls: it is given ten seconds', async (t) => {
    const stage = await started(
      t,
      ({ delivered }) => (delivered.toString() === 'whole' ? accepted : refusal('NL-LEAF-PARSE')),
      'wh',
      9_900,
    );
    assert.deepEqual([stage.names('inbox'), stage.logged], [['gw.pem'], []]);
    writeFileSync(join(stage.directory, 'inbox', 'gw.pem'), 'whole');
    await stage.pass(5_000);
    assert.deepEqual([stage.names('inbox'), stage.events], [[], ['inbox-accepted']]);
  });

  test('and stays like that is rejected', async (t) => {
    const stage = await started(t, () => refusal('NL-LEAF-PARSE'), '', 9_900);
    assert.deepEqual(stage.names('inbox'), ['gw.pem']);
    await stage.pass(100);
    assert.deepEqual([stage.names('rejected'), stage.asks.length], [['gw.pem', 'gw.pem.reason'], 2]);
  });
});

describe('a chain that has to wait stays, is tried again once a minute, and is told of once', () => {
  const rows = [
    ['other work is in flight', refusal('NL-BUSY', 'busy'), 'NL-BUSY'],
    ['not valid yet', later('NL-LEAF-NOT-YET', 7200), 'NL-LEAF-NOT-YET'],
    ['over budget', later('NL-BUDGET', 90), 'NL-BUDGET'],
    ['the disk is full', refusal('NL-STATE-WRITE', 'broken'), 'NL-STATE-WRITE'],
    ['newleaf has a defect', refusal('NL-INTERNAL', 'broken'), 'NL-INTERNAL'],
  ] as const;
  for (const [what, answer, code] of rows) {
    test(what, async (t) => {
      const stage = await started(t, () => answer);
      assert.equal(await stage.clock.asleep(), 60_000);
      await stage.pass(120_000);
      assert.deepEqual([stage.asks.length, stage.names('inbox')], [3, ['gw.pem']]);
      assert.deepEqual(stage.events, [`inbox-waits ${code}`]);
      stage.answer = () => accepted;
      await stage.pass(60_000);
      assert.deepEqual([stage.names('inbox'), stage.events[1]], [[], 'inbox-accepted']);
    });
  }

  test('and told on the screen by its name after five minutes, until it is taken', async (t) => {
    const stage = await started(t, () => later('NL-LEAF-NOT-YET', 7200), undefined, 299_000);
    assert.equal(stage.inbox?.waiting(), undefined);
    await stage.pass(61_000);
    const { code, message } = stage.inbox?.waiting() ?? {};
    assert.equal(code, 'NL-LEAF-NOT-YET');
    assert.equal(
      message,
      `${join(stage.directory, 'inbox', 'gw.pem')} waits in the inbox. The issued leaf is not valid yet by the clock of this gateway.`,
    );
    stage.drop('other.pem');
    await stage.heard();
    await stage.pass(420_000);
    assert.match(stage.inbox?.waiting()?.message ?? '', /gateway\. 1 more wait there\.$/);
    stage.answer = () => accepted;
    await stage.pass(120_000);
    assert.equal(stage.inbox?.waiting(), undefined);
  });

  test('one that is to wait for no time at all is given two seconds', async (t) => {
    const stage = await started(t, () => later('NL-LEAF-NOT-YET', 0));
    assert.equal(await stage.clock.asleep(), 2_000);
  });

  test('one that was taken away, and is back, is told of again', async (t) => {
    const stage = await started(t, () => refusal('NL-BUSY', 'busy'));
    const [place, away] = [join(stage.directory, 'inbox', 'gw.pem'), join(stage.directory, 'away')];
    for (const [from, to] of [
      [place, away],
      [away, place],
    ] as const) {
      renameSync(from, to);
      await stage.heard();
      await stage.pass(4_000);
    }
    assert.deepEqual(stage.events, ['inbox-waits NL-BUSY', 'inbox-waits NL-BUSY']);
  });

  test('a defect of the daemon is no end of the inbox', async (t) => {
    const stage = await started(t, () => Promise.reject(new Error('boom')), undefined, 62_000);
    assert.deepEqual([stage.asks.length, stage.events], [2, ['inbox-waits NL-INTERNAL']]);
    assert.match(stage.logged[0]?.cause ?? '', /boom/);
  });

  test('one that waits does not hold up the others', async (t) => {
    const stage = new Stage(t);
    stage.answer = ({ id }) => (id?.startsWith('inbox-a') ? refusal('NL-LEAF-NOT-YET', 'busy') : accepted);
    for (const name of ['a.pem', 'b.pem']) stage.drop(name);
    await stage.start();
    await stage.pass(2_000);
    assert.deepEqual(stage.names('inbox'), ['a.pem']);
  });
});
