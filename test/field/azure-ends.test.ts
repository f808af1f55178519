import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Ended, type Running, Subscription } from './subscription.ts';

/** Commands of `az` that make something, or lead to it, in their order. */
const STEPS = [
  'group create',
  'iot hub create',
  'iot dps create',
  'iot dps linked-hub create',
  'iot hub show',
  'iot dps show',
  'iot hub policy show',
  'iot dps policy show',
  'iot dps certificate create',
];
const PARTS = ['--yes', 'triggers'];

function assertGone(at: Subscription, { screen }: Ended): void {
  assert.deepEqual(at.cloud.groups, {}, screen);
  assert.deepEqual(at.rubbish, [], screen);
  for (const told of [screen, at.report('report.md')]) assert.match(told, /Nothing is left in Azure/);
}

/** A run whose `az` is held in a step. */
async function heldIn(at: Subscription, step: string): Promise<Running> {
  at.plan({ at: step, how: 'hold' });
  const running = at.run(PARTS);
  await at.begins(step, running);
  return running;
}

/** Interrupts it, and lets it go on. @param by what interrupts it; default: Ctrl-C */
async function interrupted(at: Subscription, running: Running, by = () => running.interrupt()): Promise<Ended> {
  by();
  await running.shows(/Interrupted/);
  at.go();
  return running.ended;
}

/** What a report that was cut short says first, and what it must not claim. */
function assertCutShort(at: Subscription, how: RegExp, ...missing: readonly string[]): void {
  const report = at.report('report.md');
  const [, first = ''] = report.split('\n\n');
  assert.match(first, how, report);
  for (const part of missing) assert.match(first, new RegExp(`Not played: .*${part}.*0 of \\d+ ${part}`), report);
  assert.doesNotMatch(report, /\| --- \|\n\n/, 'a table without a row');
  if (!report.includes('## Questions')) assert.doesNotMatch(report, /The simulator does the same/);
}

suite('scripts/field/azure ends in between', { concurrency: 2 }, () => {
  for (const step of STEPS) {
    test(`az ${step} fails, before its effect or after: what was made is deleted`, async (t) => {
      for (const how of step.endsWith(' create') ? (['fail', 'fail-after'] as const) : (['fail'] as const)) {
        const at = await Subscription.open(t);
        at.plan({ at: step, how });
        const ended = await at.run(PARTS).ended;
        assert.equal(ended.code, 1, ended.screen);
        const failed = new RegExp(`az ${step} .*ended with 1`, 's');
        for (const told of [ended.screen, at.report('report.md')]) assert.match(told, failed);
        assertGone(at, ended);
        assertCutShort(at, /^It stopped, at "/, 'triggers');
        for (const name of ['wire.jsonl', 'switches.patch'] as const) assert.ok(!at.has(name), `an empty ${name}`);
      }
    });

    test(`Ctrl-C while az ${step} runs: it is let end, nothing more is made, and all is deleted`, async (t) => {
      const at = await Subscription.open(t);
      const ended = await interrupted(at, await heldIn(at, step));
      assert.equal(ended.code, 130, ended.screen);
      assertGone(at, ended);
      assertCutShort(at, /^It was interrupted, at "/, 'triggers');
      const made = at.called
        .filter(({ what, verb }) => what === 'begun' && STEPS.includes(verb))
        .map(({ verb }) => verb);
      assert.equal(made.at(-1), step, 'nothing more was made');
    });
  }

  for (const [part, shown, first] of [
    ['triggers', /The first start, with a group: held/, /Cut short: triggers\. \d of 6 triggers held\./],
    ['stories', /a stolen leaf …/, /, at ".* stolen leaf"\. Not played: stories\. 0 of 9 stories held\./],
    ['questions', /The first answer to a registration: /, /Cut short: questions\. \d+ of 20 questions answered\./],
  ] as const) {
    test(`Ctrl-C in the ${part}: daemons end, all is deleted, and what was seen is reported`, async (t) => {
      const at = await Subscription.open(t);
      const running = at.run(['--yes', part]);
      await running.shows(shown);
      running.interrupt();
      const ended = await running.ended;
      assert.equal(ended.code, 130, ended.screen);
      assertGone(at, ended);
      assertCutShort(at, first);
      assert.match(at.report('report.md'), /What it cost/);
    });
  }

  test('Ctrl-C also ends the program that a story waits for: that is no story which did not hold', async (t) => {
    const at = await Subscription.open(t);
    const begun = join(at.directory, 'begun');
    const held = `#!/bin/sh\ntouch ${begun}\nexec sleep 60\n`;
    writeFileSync(join(at.directory, 'bin', 'softhsm2-util'), held, { mode: 0o755 });
    const running = at.run(['--yes', 'stories']);
    while (!existsSync(begun) && running.child.exitCode === null) await pause(20);
    running.interrupt();
    const ended = await running.ended;
    assert.equal(ended.code, 130, ended.screen);
    assertCutShort(at, /, at ".* stolen leaf"\. Not played: stories\. 0 of 9 stories held\./);
  });

  test('a deletion that fails once is tried again; one that fails for good is named, with the command', async (t) => {
    for (const times of [1, 2]) {
      const at = await Subscription.open(t);
      at.plan({ at: 'group delete', how: 'fail', times });
      const running = at.run(PARTS);
      await at.begins('iot hub create', running);
      running.interrupt();
      const ended = await running.ended;
      if (times === 1) {
        assertGone(at, ended);
      } else {
        const [name = ''] = Object.keys(at.cloud.groups);
        const left = new RegExp(`Left: ${name}\\. To delete it: az group delete --name ${name} --yes`);
        for (const told of [ended.screen, at.report('report.md')]) assert.match(told, left);
      }
    }
  });

  test('a second Ctrl-C ends it at once, and says what may be left', async (t) => {
    const at = await Subscription.open(t);
    const running = await heldIn(at, 'iot dps create');
    running.interrupt();
    await running.shows(/Interrupted/);
    // Within the first second it counts as the same one.
    const again = setInterval(() => running.interrupt(), 100);
    const ended = await running.ended.finally(() => clearInterval(again));
    at.go();
    await at.done('iot dps create');
    const [name = ''] = Object.keys(at.cloud.groups);
    assert.equal(ended.code, 130);
    assert.match(
      ended.screen,
      new RegExp(`Left, if it is there: ${name}\\. To delete it: az group delete --name ${name} --yes`),
    );
    assert.deepEqual(at.rubbish, []);
  });
});

suite('scripts/field/azure: a Ctrl-C that comes twice', () => {
  test('as two signals at once it is one: what was made is deleted', async (t) => {
    const at = await Subscription.open(t);
    const running = await heldIn(at, 'iot dps create');
    const ended = await interrupted(at, running, () => {
      // Of one signal the second may get lost.
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) running.child.kill(signal);
    });
    assert.equal(ended.code, 130, ended.screen);
    assertGone(at, ended);
  });
});

suite('scripts/field/azure touches nothing of others', { concurrency: 2 }, () => {
  test('a group that is there already is refused, and stays as it is', async (t) => {
    const at = await Subscription.open(t);
    at.plan({ isTaken: true });
    const ended = await at.run(PARTS).ended;
    assert.equal(ended.code, 1);
    assert.match(ended.screen, /There is a resource group \S+ already\. Nothing was touched/);
    assert.deepEqual([...new Set(at.called.map(({ verb }) => verb))], ['account show', 'group exists', 'version']);
  });

  test('a group of its name without its tag is not deleted', async (t) => {
    const at = await Subscription.open(t);
    const running = await heldIn(at, 'iot hub create');
    const { groups } = at.cloud;
    const [name = ''] = Object.keys(groups);
    at.cloud = { groups: { [name]: { certificates: [], tags: { owner: 'another' } } } };
    const ended = await interrupted(at, running);
    assert.match(ended.screen, /has not the tag of this run: it is left alone/);
    assert.ok(!at.called.some(({ verb }) => verb === 'group delete'));
  });

  test('the free hub of the subscription is taken: its words, and the group is deleted', async (t) => {
    const at = await Subscription.open(t);
    at.cloud = { groups: { other: { certificates: [], hub: 'theirs' } } };
    const ended = await at.run(PARTS).ended;
    assert.equal(ended.code, 1);
    assert.match(ended.screen, /Max number of Iot Hubs exceeded for sku = Free/);
    assert.deepEqual(Object.keys(at.cloud.groups), ['other']);
  });

  test('nobody logged in, no consent, a wrong word: nothing is made', async (t) => {
    const at = await Subscription.open(t);
    const wrong = await at.run(['--yes', 'songs']).ended;
    assert.equal(wrong.code, 2);
    assert.match(wrong.screen, /no "songs"/);
    for (const typed of ['n\n', '', 'perhaps\n']) {
      const asked = at.run(['questions']);
      asked.child.stdin.end(typed);
      const { code, screen } = await asked.ended;
      assert.equal(code, 2, screen);
      assert.match(screen, /Subscription "a subscription" \(3f1c2a76-\S+\)/);
      assert.match(screen, /Nothing was begun\.$/m);
    }
    at.plan({ isLoggedOut: true });
    const out = await at.run(PARTS).ended;
    assert.equal(out.code, 2);
    assert.match(out.screen, /az login/);
    assert.deepEqual([...new Set(at.called.map(({ verb }) => verb))], ['account show']);
    assert.ok(!at.has('report.md'));
  });

  test('Ctrl-C at the question: 130, and nothing is made', async (t) => {
    const at = await Subscription.open(t);
    const asked = at.run(['questions']);
    await asked.shows(/Go on\?/);
    asked.interrupt();
    const { code, screen } = await asked.ended;
    assert.equal(code, 130, screen);
    assert.match(screen, /Nothing was begun\.$/m);
    assert.deepEqual([...new Set(at.called.map(({ verb }) => verb))], ['account show']);
  });
});
