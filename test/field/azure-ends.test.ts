import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Ended, Subscription } from './subscription.ts';

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

suite('scripts/field/azure ends in between', { concurrency: 2 }, () => {
  for (const step of STEPS) {
    test(`az ${step} fails, before its effect or after: what was made is deleted`, async (t) => {
      for (const how of step.endsWith(' create') ? (['fail', 'fail-after'] as const) : (['fail'] as const)) {
        const at = await Subscription.open(t);
        at.plan({ at: step, how });
        const ended = await at.run(PARTS).ended;
        assert.equal(ended.code, 1, ended.screen);
        assert.match(ended.screen, new RegExp(`az ${step} .*ended with 1`, 's'));
        assertGone(at, ended);
      }
    });

    test(`Ctrl-C while az ${step} runs: it is let end, nothing more is made, and all is deleted`, async (t) => {
      const at = await Subscription.open(t);
      at.plan({ at: step, how: 'hold' });
      const running = at.run(PARTS);
      await at.begins(step, running);
      running.interrupt();
      await running.shows(/Interrupted/);
      at.go();
      const ended = await running.ended;
      assert.equal(ended.code, 130, ended.screen);
      assertGone(at, ended);
      const made = at.called
        .filter(({ what, verb }) => what === 'begun' && STEPS.includes(verb))
        .map(({ verb }) => verb);
      assert.equal(made.at(-1), step, 'nothing more was made');
    });
  }

  for (const [part, shown] of [
    ['triggers', /The first start, with a group: held/],
    ['stories', /a stolen leaf …/],
    ['questions', /The first answer to a registration/],
  ] as const) {
    test(`Ctrl-C in the ${part}: daemons end, all is deleted, and what was seen is reported`, async (t) => {
      const at = await Subscription.open(t);
      const running = at.run(['--yes', part]);
      await running.shows(shown);
      running.interrupt();
      const ended = await running.ended;
      assert.equal(ended.code, 130, ended.screen);
      assertGone(at, ended);
      assert.match(at.report('report.md'), /What it cost/);
    });
  }

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
    at.plan({ at: 'iot dps create', how: 'hold' });
    const running = at.run(PARTS);
    await at.begins('iot dps create', running);
    running.interrupt();
    await running.shows(/Interrupted/);
    running.interrupt();
    const ended = await running.ended;
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

suite('scripts/field/azure touches nothing of others', { concurrency: 2 }, () => {
  test('a group that is there already is refused, and stays as it is', async (t) => {
    const at = await Subscription.open(t);
    at.plan({ isTaken: true });
    const ended = await at.run(PARTS).ended;
    assert.equal(ended.code, 1);
    assert.match(ended.screen, /There is a resource group \S+ already\. Nothing was touched/);
    assert.deepEqual([...new Set(at.called.map(({ verb }) => verb))], ['account show', 'group exists']);
  });

  test('a group of its name without its tag is not deleted', async (t) => {
    const at = await Subscription.open(t);
    at.plan({ at: 'iot hub create', how: 'hold' });
    const running = at.run(PARTS);
    await at.begins('iot hub create', running);
    const { groups } = at.cloud;
    const [name = ''] = Object.keys(groups);
    at.cloud = { groups: { [name]: { certificates: [], tags: { owner: 'another' } } } };
    running.interrupt();
    await running.shows(/Interrupted/);
    at.go();
    const ended = await running.ended;
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
    const asked = at.run(['questions']);
    asked.child.stdin.end('n\n');
    assert.equal((await asked.ended).code, 1);
    at.plan({ isLoggedOut: true });
    const out = await at.run(PARTS).ended;
    assert.equal(out.code, 2);
    assert.match(out.screen, /az login/);
    assert.deepEqual([...new Set(at.called.map(({ verb }) => verb))], ['account show']);
  });
});
