import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onWire } from '../../../agent/ask/wire.ts';
import type { DaemonOptions } from '../../../agent/daemon/options.ts';
import { type Code, Fault } from '../../../agent/failure/failure.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import { TestClock } from '../clock.ts';
import { NOW, terms } from '../roll/machine.ts';
import { current, DAY, Disk, gateway, HOUR, MINUTE } from './gateway.ts';

const factory = { ...current, key: { slot: 'given', id: 'f0' }, thumbprint: 'T-f0' } as const;
type Given = DaemonOptions['given'];

/** How the leaf that the token brings is looked at, one answer after the other; the last one stays. */
function answers(...list: readonly (Fault | TokenError | typeof factory)[]): { given: Given; looks: number } {
  const told = {
    looks: 0,
    async given() {
      const answer = list[Math.min(told.looks, list.length - 1)];
      told.looks += 1;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  return told;
}

const notYet = (ms: number) => new Fault('NL-LEAF-NOT-YET', { retryAfterMs: ms });

for (const code of [
  'NL-LEAF-VALIDITY',
  'NL-LEAF-CN',
  'NL-LEAF-PARSE',
  'NL-LEAF-EKU',
  'NL-LEAF-CHAIN',
] satisfies Code[]) {
  test(`a factory leaf with ${code} is told, and newleaf gets a leaf of its own`, async (t) => {
    const { given } = answers(new Fault(code));
    const { clock, daemon, told } = await gateway(t, new Disk(), {}, { given });
    await clock.pass(MINUTE);
    assert.deepEqual([daemon.state.phase, daemon.state.current?.thumbprint], ['serving', 'T-g1']);
    assert.deepEqual(
      told('given-leaf-unusable').map((line) => line.code),
      [code],
    );
  });
}

test('where a person brings the leaf, the status says what is wrong with that of the factory', async (t) => {
  const { given } = answers(new Fault('NL-LEAF-CN'));
  const { clock, status } = await gateway(t, new Disk(), {}, { given, terms: { ...terms, automatic: false } });
  await clock.pass(HOUR);
  const { phase, trouble } = await status();
  assert.deepEqual([phase, trouble?.code], ['unprovisioned', 'NL-LEAF-CN']);
});

test('a boot in 1970: the factory leaf is looked at again when the clock is right, and no key is made before', async (t) => {
  const clock = new TestClock(0);
  const given: Given = async () => {
    if (clock.now() < NOW) throw notYet(NOW - clock.now());
    return factory;
  };
  const { counts, daemon, status, told } = await gateway(t, new Disk(), {}, { given }, clock);
  assert.equal(told('given-leaf-unusable').length, 1);
  assert.equal((await status()).trouble?.code, 'NL-LEAF-NOT-YET');
  await clock.pass(HOUR);
  assert.deepEqual([daemon.state.phase, counts.generate], ['unprovisioned', 0]);
  assert.equal(told('given-leaf-unusable').length, 1);
  clock.step(NOW);
  await clock.pass(MINUTE);
  assert.deepEqual(
    [daemon.state.phase, daemon.state.current?.thumbprint, daemon.state.online],
    ['serving', factory.thumbprint, `${factory.thumbprint}@hub1/gw-1`],
  );
  assert.deepEqual([counts.generate, (await status()).trouble], [0, undefined]);
});

test('a leaf that begins in a year, by a clock that is right, is not waited for', async (t) => {
  const { given } = answers(notYet(365 * DAY));
  const { clock, daemon } = await gateway(t, new Disk(), {}, { given });
  await clock.pass(MINUTE);
  assert.equal(daemon.state.current?.thumbprint, 'T-g1');
});

test('one that begins in an hour is, and a technician need not wait', async (t) => {
  const soon = answers(notYet(HOUR), notYet(HOUR / 2), factory);
  const one = await gateway(t, new Disk(), {}, { given: soon.given });
  await one.clock.pass(HOUR);
  assert.equal(one.daemon.state.current?.thumbprint, factory.thumbprint);
  assert.ok(soon.looks <= 10);

  const never = answers(notYet(HOUR));
  const other = await gateway(t, new Disk(), {}, { given: never.given });
  assert.equal((await other.ask({ kind: 'roll', from: 'technician', id: 'now', delayMs: 0 }, MINUTE)).status, 202);
  assert.equal(other.daemon.state.current?.thumbprint, 'T-g1');
  const { looks } = never;
  await other.clock.pass(HOUR);
  assert.equal(never.looks, looks, 'nobody looks for a leaf that is not needed any more');
});

test('a clock that is set back does not put the next look off', async (t) => {
  const { given } = answers(notYet(HOUR), factory);
  const { clock, daemon } = await gateway(t, new Disk(), {}, { given });
  assert.equal(daemon.state.phase, 'unprovisioned');
  clock.step(-365 * DAY);
  await clock.pass(MINUTE);
  assert.equal(daemon.state.current?.thumbprint, factory.thumbprint);
});

test('a token that fails is no token without a leaf: a new process looks again', async (t) => {
  const { given } = answers(new TokenError('failed', 'CKR_DEVICE_ERROR', 'The token has a fault.'));
  const { ended, counts } = await gateway(t, new Disk(), {}, { given });
  await assert.rejects(ended, TokenError);
  assert.equal(counts.generate, 0);
});

test('a CSR that is asked for while the token is looked at waits for the factory leaf, which is registered', async (t) => {
  const clock = new TestClock(NOW);
  const never = new AbortController().signal;
  const slow = async () => {
    await clock.sleep(MINUTE, never);
    return factory;
  };
  const { daemon, counts } = await gateway(
    t,
    new Disk(),
    {},
    { given: slow, terms: { ...terms, automatic: false } },
    clock,
  );
  const csr = onWire(daemon.answer)({ kind: 'csr', from: 'technician' });
  await clock.pass(0);
  assert.equal(counts.generate, 0);
  await clock.pass(MINUTE);
  assert.equal((await csr).status, 200);
  assert.deepEqual([daemon.state.current, counts.register], [factory, 1]);
  assert.notEqual(daemon.state.online, undefined);
});
