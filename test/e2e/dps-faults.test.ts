import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { FaultName, FaultOptions } from '../simulator/faults.ts';
import type { Entry } from '../simulator/log.ts';
import type { Simulator } from '../simulator/simulator.ts';
import type { Gateway } from './stage/gateway.ts';
import { PATIENCE_MS, serving, site } from './stage/site.ts';

const ID = 'gw-0001';
/** The ladder of registrations begins at 5 s (Microsoft: "first delay at least 5 s"), with jitter of a quarter. */
const FIRST_PAUSE_MS = 5_000 * 0.75;
const SECOND_PAUSE_MS = 10_000 * 0.75;
/** The first window of a throttled fleet, after the Retry-After of 7 s. */
const THROTTLED_MS = 97_000;

interface Fault {
  readonly fault: FaultName;
  readonly options?: FaultOptions;
  readonly code: string;
  /** Its ladder begins at 5 minutes: a technician asks, and is not kept waiting. */
  readonly hurried?: true;
}

const faults: readonly Fault[] = [
  { fault: 'empty-body', code: 'NL-DPS-BODY' },
  { fault: 'not-json', code: 'NL-DPS-BODY' },
  { fault: 'no-status', code: 'NL-DPS-BODY' },
  { fault: 'drop-before', code: 'NL-DPS-UNREACHABLE' },
  { fault: 'drop-after', code: 'NL-DPS-UNREACHABLE' },
  { fault: 'drop-on-poll', code: 'NL-DPS-UNREACHABLE' },
  { fault: 'poll-status', options: { status: 503 }, code: 'NL-DPS-SERVER' },
  { fault: 'register-status', options: { status: 409, code: 409203 }, code: 'NL-DPS-CONFLICT' },
  { fault: 'allocation-failed', code: 'NL-DPS-ALLOCATION', hurried: true },
  { fault: 'allocation-failed', options: { code: 400208 }, code: 'NL-DPS-ALLOCATION', hurried: true },
  {
    fault: 'allocation-failed',
    options: { code: 401002, message: 'IotHubUnauthorizedAccess' },
    code: 'NL-DPS-ALLOCATION',
    hurried: true,
  },
  { fault: 'register-status', options: { status: 412 }, code: 'NL-DPS-CONFLICT' },
];

const titleOf = (fault: FaultName, { status, code }: FaultOptions) => [fault, status ?? code ?? ''].join(' ').trim();

/** The registration requests, in milliseconds since the one before. */
function gaps(far: Simulator): readonly number[] {
  const at = far.log.matching({ event: 'register', clientId: ID }).map((entry) => entry.at);
  return at.slice(1).map((moment, index) => moment - (at[index] ?? 0));
}

/** One process, from the first line to the last, without a crash. */
function neverFell(gateway: Gateway, pid: number): void {
  assert.equal(gateway.pid, pid);
  process.kill(pid, 0);
  assert.equal(gateway.log.matching({ event: 'started' }).length, 1);
  assert.deepEqual(gateway.log.matching({ event: 'crashed' }), []);
  assert.deepEqual(gateway.log.matching({ code: 'NL-INTERNAL' }), []);
  assert.equal(gateway.noise, '');
}

suite('DPS misbehaves', { concurrency: true }, () => {
  for (const { fault, options = {}, code, hurried } of faults) {
    test(titleOf(fault, options), async (t) => {
      const { far, gateway } = await site(t);
      await far.lay('dps', fault, { ...options, times: 1 });
      await gateway.start();
      const { pid } = gateway;
      const told = await gateway.log.waitFor({ event: 'failed', action: 'register' }, { timeoutMs: PATIENCE_MS });
      if (hurried) assert.equal((await gateway.post('/v1/reprovision')).status, 202);
      const { thumbprint } = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
      await gateway.settled();

      assert.equal(told.code, code);
      assert.equal(far.log.count({ event: 'fault', reason: fault }), 1);
      assert.equal(far.log.registrations(ID), 2);
      assert.equal(far.log.count({ event: 'issued', thumbprint: thumbprint ?? '' }), 1);
      assert.equal(far.log.count({ event: 'issued' }), 1, 'an outage costs no leaf');
      assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a']);
      neverFell(gateway, pid);
    });
  }

  test('429 with Retry-After: not asked again before that', async (t) => {
    const { far, gateway, thumbprint } = await serving(t);
    const { pid } = gateway;
    await far.lay('dps', 'register-status', { status: 429, code: 429001, retryAfter: '7', times: 1 });
    assert.equal((await far.callMethod(ID, 'reprovision', { id: 'throttled' })).status, 202);
    const throttled = await far.log.waitFor({ event: 'refused', code: 429001 }, PATIENCE_MS);
    await gateway.log.waitFor({ event: 'outcome', id: 'throttled' }, { timeoutMs: THROTTLED_MS + PATIENCE_MS });
    const again = await far.log.waitFor({ event: 'register' }, PATIENCE_MS, throttled.seq);

    t.diagnostic(`asked again after ${Math.round(again.at - throttled.at)} ms`);
    assert.ok(again.at - throttled.at >= 7_000 && again.at - throttled.at < THROTTLED_MS);
    assert.equal(far.log.connections(thumbprint, 'dps'), 3, 'nor was DPS dialled in between');
    assert.equal(gateway.log.matching({ event: 'failed' })[0]?.code, 'NL-DPS-THROTTLED');
    neverFell(gateway, pid);
  });

  test('500 twice: each pause is longer, and the session goes on', async (t) => {
    const { far, gateway, session } = await serving(t);
    const { pid } = gateway;
    await far.lay('dps', 'register-status', { status: 500, times: 2 });
    assert.equal((await far.callMethod(ID, 'reprovision', { id: 'failing' })).status, 202);
    await gateway.log.waitFor({ event: 'outcome', id: 'failing', reason: 'done' }, { timeoutMs: 2 * PATIENCE_MS });

    const [, first = 0, second = 0, ...more] = gaps(far);
    t.diagnostic(`asked again after ${Math.round(first)} and ${Math.round(second)} ms`);
    assert.ok(first >= FIRST_PAUSE_MS, String(first));
    assert.ok(second >= SECOND_PAUSE_MS, String(second));
    assert.deepEqual(more, []);
    const codes = gateway.log.matching({ event: 'failed' }).map((line) => line.code);
    assert.deepEqual(codes, ['NL-DPS-SERVER', 'NL-DPS-SERVER']);
    const left = (entry: Entry) => entry.event === 'disconnected' && entry.connection === session.connection;
    assert.equal(far.log.count(left), 0);
    neverFell(gateway, pid);
  });
});
