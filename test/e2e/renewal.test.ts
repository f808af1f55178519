import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import type { Status } from '../../agent/roll/report.ts';
import { softHsm } from '../contract/token/softhsm.ts';
import { withEnvironment } from '../put-back.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { type Clocked, clocked } from './stage/clocked.ts';
import { holds } from './stage/holds.ts';
import { Inspector } from './stage/inspector.ts';
import { cut, PATIENCE_MS } from './stage/site.ts';

const ID = 'gw-0001';
const MINUTE = 60_000;
const LIFETIME = 10 * MINUTE;
const RENEWALS = 20;

// SoftHSM reads its configuration once for each process.
const hsm = softHsm('renewals', 'expired');
withEnvironment(hsm.environment);
after(() => hsm.remove());

test('leaves of ten minutes: twenty renewals, one after the other', async (t) => {
  const gateway = await clocked(t, LIFETIME, { hsm, token: 'renewals' });
  const { far, clock } = gateway;
  await gateway.start();
  let { leaf } = await gateway.settled();
  const token = new Inspector(hsm, 'renewals');
  let pairs = 0;
  gateway.daemon.subscribe(() => {
    pairs = Math.max(pairs, token.privateKeys().length);
  });

  const seen = new Set([leaf?.thumbprint]);
  for (let minutes = 0; seen.size <= RENEWALS; minutes += 1) {
    assert.ok(minutes < RENEWALS * 7, 'each leaf is renewed after two thirds of its life');
    const dueAt = Date.parse(leaf?.renewAt ?? '');
    await clock.pass(MINUTE);
    if (clock.now() < dueAt) {
      assert.equal((await gateway.status()).leaf?.thumbprint, leaf?.thumbprint, 'not before its moment');
    } else {
      const status = await gateway.renewed(leaf?.thumbprint);
      ({ leaf } = status);
      assert.ok(!seen.has(leaf?.thumbprint));
      seen.add(leaf?.thumbprint);
      holds(status, { last: { reason: 'due', outcome: 'done' } });
      assert.equal(status.alarm, undefined);
      await agrees(gateway, token, status);
    }
    assert.ok(Date.parse(leaf?.notAfter ?? '') > clock.now(), 'the leaf that serves is valid');
  }

  assert.equal(pairs, 2, 'the old key and the next one, and never a third');
  assert.deepEqual(token.privateKeys(), [`newleaf-${leaf?.slot}`]);
  assert.equal(longestGap(far), 0, 'the hub had a session all the time');
  assert.equal(far.log.count({ event: 'issued' }), 1 + RENEWALS);
  assert.equal(far.log.count({ event: 'issued', reason: 'simplereenroll' }), RENEWALS);
  assert.equal(far.log.registrations(ID), 1 + RENEWALS);
  assert.deepEqual(gateway.log.matching({ event: 'failed' }), []);
});

test('EST is down until the leaf has expired: then HTTP Basic is the way back', async (t) => {
  const gateway = await clocked(t, LIFETIME, { hsm, token: 'expired' });
  const { far, clock } = gateway;
  await gateway.start();
  const { leaf } = await gateway.settled();
  const end = Date.parse(leaf?.notAfter ?? '');
  await far.lay('est', 'port-closed');
  await clock.pass(Date.parse(leaf?.renewAt ?? '') - clock.now());
  await gateway.passUntil(end + MINUTE);

  const expired = await gateway.until(({ alarm }) => alarm === 'expired');
  holds(expired, { phase: 'requesting-leaf', leaf: { thumbprint: leaf?.thumbprint } });
  await far.log.waitFor(({ event, body }) => event === 'reported' && JSON.stringify(body).includes('"expired"'));
  assert.equal(gateway.log.matching({ event: 'expiring', reason: 'expired', level: 'error' }).length, 1);

  await cut(far);
  await gateway.until(({ online }) => !online);
  await far.log.waitFor({ event: 'closed-before-connack', reason: 'leaf expired or not valid yet' });

  const since = far.log.entries.length;
  await far.lift('est');
  const issued = far.log.waitFor({ event: 'issued' }, PATIENCE_MS, since);
  await gateway.passUntil(clock.now() + 20 * MINUTE, { pausing: 2, over: issued });
  assert.equal((await issued).reason, 'simpleenroll');
  const status = await gateway.renewed(leaf?.thumbprint);
  holds(status, { person: false, last: { reason: 'due', outcome: 'done' } });
  assert.equal(status.alarm, undefined);
  await agrees(gateway, new Inspector(hsm, 'expired'), status);
});

/** Twin, hub and token name the leaf that the daemon says it serves with. */
async function agrees({ far, log }: Clocked, token: Inspector, { leaf }: Status): Promise<void> {
  const thumbprint = leaf?.thumbprint ?? '';
  await far.log.waitFor(({ event, body }) => event === 'reported' && JSON.stringify(body).includes(thumbprint));
  holds(await far.twin(ID), { reported: { newleaf: { leaf: { thumbprint } } } });
  holds(await far.device(ID), { hub: 'hub1', thumbprints: { primary: thumbprint } });
  const thumbprintOf = (der: Buffer) => createHash('sha256').update(der).digest('hex').toUpperCase();
  await log.waitFor({ event: 'certificate-stored', thumbprint });
  assert.deepEqual(token.certificates().map(thumbprintOf), [thumbprint]);
}

/** The longest time, in milliseconds, in which the hub had no session, since the first one. */
function longestGap(far: Simulator): number {
  const open = new Set<number | undefined>();
  let longest = 0;
  let closedAt: number | undefined;
  for (const { event, connection, at } of far.log.matching({ server: 'hub1' })) {
    if (event === 'connected') {
      open.add(connection);
      longest = Math.max(longest, at - (closedAt ?? at));
      closedAt = undefined;
    } else if (event === 'disconnected' && open.delete(connection) && open.size === 0) {
      closedAt = at;
    }
  }
  return closedAt === undefined ? longest : Number.POSITIVE_INFINITY;
}
