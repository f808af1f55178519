import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Code, Fault, failure } from '../../../agent/failure/failure.ts';
import { renewing } from '../../../agent/hub/tpm/renewal.ts';
import type { Hub, HubSignal } from '../../../agent/roll/ports.ts';
import { Queue } from '../../../agent/time/queue.ts';
import { TestClock } from '../clock.ts';
import { leafNamed } from '../mqtt/certificates.ts';
import { hubThat, never } from './hub-side.ts';

const leaf = leafNamed('AB');
const assignment = { hub: 'hub-1', deviceId: 'gw-0001', key: 'k1' };
const MINUTE = 60_000;
const lost: HubSignal = { kind: 'lost', thumbprint: 'AB', heldMs: 7, failure: failure('NL-HUB-LOST') };

/** A hub that connects or fails as it is told, and notes when. */
class Stage {
  readonly signals = new Queue<HubSignal>();
  readonly failures: unknown[] = [];
  connects = 0;
  closed = false;
  readonly #clock = new TestClock();
  next: (abort: AbortSignal) => Promise<void> = async () => {};
  readonly hub: Hub;

  constructor(draw = 0) {
    const connect: Hub['connect'] = (_leaf, _assignment, abort) => {
      this.connects += 1;
      return this.next(abort);
    };
    const close = async () => {
      this.closed = true;
    };
    const inner = hubThat(connect, { signals: this.signals, close });
    const failed = (error: unknown) => this.failures.push(error);
    this.hub = renewing(inner, { lifeMs: 60 * MINUTE, draw: () => draw, clock: this.#clock, failed });
  }

  async pass(minutes: number): Promise<void> {
    await this.#clock.pass(minutes * MINUTE);
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  }

  fails(code: Code): void {
    this.next = () => Promise.reject(new Fault(code));
  }
}

async function connected(draw = 0): Promise<Stage> {
  const stage = new Stage(draw);
  await stage.hub.connect(leaf, assignment, never);
  return stage;
}

describe('a session is opened again before its token ends', () => {
  test('after three quarters of its life, and then again', async () => {
    const stage = await connected();
    await stage.pass(44);
    assert.equal(stage.connects, 1);
    await stage.pass(1);
    assert.equal(stage.connects, 2);
    await stage.pass(45);
    assert.equal(stage.connects, 3);
    await stage.hub.close();
  });

  test('a fleet is spread', async () => {
    const stage = await connected(0.99);
    await stage.pass(39.2);
    assert.equal(stage.connects, 2);
    await stage.hub.close();
  });

  for (const code of ['NL-HUB-UNREACHABLE', 'NL-HUB-REJECTED', 'NL-TPM-MISSING'] as const) {
    test(`${code}: the session that is open stays, and it is tried each minute`, async () => {
      const stage = await connected();
      stage.fails(code);
      await stage.pass(45);
      await stage.pass(1);
      await stage.pass(1);
      assert.equal(stage.connects, 4);
      assert.equal(stage.failures.length, 3);
      assert.equal(stage.closed, false);
      stage.next = async () => {};
      await stage.pass(1);
      await stage.pass(44);
      assert.equal(stage.connects, 5);
      await stage.hub.close();
    });
  }
});

describe('nothing is renewed', () => {
  test('after the session is lost', async () => {
    const stage = await connected();
    stage.signals.push(lost);
    assert.deepEqual((await stage.hub.signals[Symbol.asyncIterator]().next()).value, lost);
    await stage.pass(120);
    assert.equal(stage.connects, 1);
  });

  test('after close', async () => {
    const stage = await connected();
    await stage.hub.close();
    await stage.pass(120);
    assert.deepEqual([stage.connects, stage.closed], [1, true]);
  });

  test('beside a connect that was asked for: a renewal under way is ended', async () => {
    const stage = await connected();
    const aborts: AbortSignal[] = [];
    stage.next = (abort) => {
      aborts.push(abort);
      return new Promise((_, reject) => abort.addEventListener('abort', () => reject(abort.reason)));
    };
    await stage.pass(45);
    stage.next = async () => {};
    await stage.hub.connect(leaf, { ...assignment, key: 'k2' }, never);
    await stage.pass(0);
    assert.deepEqual(
      aborts.map(({ aborted }) => aborted),
      [true],
    );
    assert.deepEqual(stage.failures, []);
    await stage.pass(45);
    assert.equal(stage.connects, 4);
    await stage.hub.close();
  });

  test('after a connect that failed', async () => {
    const stage = new Stage();
    stage.fails('NL-HUB-UNREACHABLE');
    await assert.rejects(stage.hub.connect(leaf, assignment, never));
    await stage.pass(120);
    assert.equal(stage.connects, 1);
  });
});
