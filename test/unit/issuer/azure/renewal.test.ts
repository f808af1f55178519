import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../../agent/failure/failure.ts';
import { HubRenewal } from '../../../../agent/issuer/azure/renewal.ts';
import type { HubMessage } from '../../../../agent/mqtt/hub-session.ts';
import { type Clock, systemClock } from '../../../../agent/time/clock.ts';
import { mint } from '../../certificate/mint.ts';
import { PlayedSession } from './hub.ts';

const certificates = [(await mint()).der.toString('base64')];
const TIMES = { sessionMs: 20, answerMs: 20_000, issueMs: 20, laterMs: 1_000 };
const never = new AbortController().signal;

function stage(times = TIMES, clock: Pick<Clock, 'sleep'> = systemClock) {
  const renewal = new HubRenewal(undefined, times, clock);
  const begun: string[] = [];
  const opened = () => {
    const session = new PlayedSession(renewal);
    renewal.opened(session);
    return session;
  };
  const issue = (id = 'request-1') =>
    renewal.issue(
      {
        csr: 'Q1NS',
        id,
        async begin() {
          begun.push(id);
          return async () => void begun.pop();
        },
      },
      never,
    );
  return { renewal, begun, opened, issue };
}

/** The same, with a session that is open. */
function serving(times = TIMES) {
  const staged = stage(times);
  return { ...staged, session: staged.opened() };
}

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (chain) => (chain === undefined ? 'not here' : 'issued'),
    (error: unknown) => (error instanceof Fault ? error.failure.code : error),
  );

test('SUBACK first, then a request with nothing but the device and the CSR; 202, and 200 at once', async () => {
  const { session, issue, begun } = serving();
  session.answers = (id) => {
    assert.deepEqual(session.filters, ['$iothub/credentials/res/#']);
    session.arrive(202, id);
    session.arrive(200, id, { certificates });
  };
  assert.equal(await code(issue()), 'issued');
  assert.deepEqual(session.asked, [{ id: 'request-1', body: { id: 'gw-0001', csr: 'Q1NS' } }]);
  assert.deepEqual(begun, ['request-1']);
});

test('the certificate comes later: nothing is asked twice in a session, and it is found at the next attempt', async () => {
  const { session, issue, begun } = serving();
  session.answers = (id) => session.arrive(202, id);
  const isPending = ({ failure }: Fault) => failure.code === 'NL-AZURE-PENDING' && failure.retryAfterMs === 1_000;
  for (let times = 1; times <= 2; times += 1) await assert.rejects(issue(), isPending);
  session.arrive(200, 'request-1', { certificates });
  assert.equal(await code(issue()), 'issued');
  assert.equal(session.asked.length, 1);
  assert.deepEqual(begun, ['request-1']);
});

test('after the 202 nothing comes: the same request is sent again, but not at each attempt', async () => {
  const { session, issue, begun } = serving();
  session.answers = (id, times) => session.arrive(times === 1 ? 202 : 200, id, { certificates });
  for (let times = 1; times <= 4; times += 1) assert.equal(await code(issue()), 'NL-AZURE-PENDING');
  assert.equal(session.asked.length, 1);
  assert.equal(await code(issue()), 'issued');
  assert.deepEqual(session.asked[1], session.asked[0]);
  assert.deepEqual(new Set(begun), new Set(['request-1']));
});

test('in another session the same request is sent again, with the same ID', async () => {
  const { opened, issue } = stage();
  const first = opened();
  first.answers = (id) => first.arrive(202, id);
  assert.equal(await code(issue()), 'NL-AZURE-PENDING');
  first.end('lost');
  const second = opened();
  second.answers = (id) => second.arrive(200, id, { certificates });
  assert.equal(await code(issue()), 'issued');
  assert.deepEqual(second.asked, first.asked);
});

test('a repeated 202 and another request do not hide a certificate', async () => {
  const { session, issue } = serving();
  session.answers = (id) => session.arrive(202, id);
  await code(issue());
  session.arrive(200, 'of-another', { certificates });
  assert.equal(await code(issue()), 'NL-AZURE-PENDING');
  session.arrive(200, 'request-1', { certificates });
  session.arrive(202, 'request-1');
  assert.equal(await code(issue()), 'issued');
});

test('another request is active: replaced, and not where there is nothing to replace', async () => {
  const { session, issue } = serving();
  session.answers = (id, times) => {
    if (times === 1) session.arrive(409, id, { info: { requestId: 'of-a-lost-key' } });
    if (times === 2) session.arrive(412, id);
    if (times === 3) session.arrive(200, id, { certificates });
  };
  assert.equal(await code(issue()), 'issued');
  const replaced = session.asked.map(({ body }) => (body as { replace?: string }).replace);
  assert.deepEqual(replaced, [undefined, 'of-a-lost-key', undefined]);
});

test('our own request is active: it is waited for', async () => {
  const { session, issue } = serving();
  session.answers = (id) => session.arrive(409, id, { info: { requestId: id } });
  assert.equal(await code(issue()), 'NL-AZURE-PENDING');
  session.arrive(200, 'request-1', { certificates });
  assert.equal(await code(issue()), 'issued');
});

test('409 for ever: three packets, and later again', async () => {
  const { session, issue } = serving();
  session.answers = (id) => session.arrive(409, id);
  assert.equal(await code(issue()), 'NL-AZURE-BUSY');
  assert.equal(session.asked.length, 3);
});

for (const [status, expected] of [
  [400, 'NL-AZURE-REFUSED'],
  [429, 'NL-AZURE-BUSY'],
  [500, 'NL-AZURE-BUSY'],
  [404, 'not here'],
] as const) {
  test(`${status}: ${expected}, and it counts as no leaf`, async () => {
    const { session, issue, begun } = serving();
    session.answers = (id) => session.arrive(status, id);
    assert.equal(await code(issue()), expected);
    assert.deepEqual(begun, []);
  });
}

test('an error after the 202', async () => {
  const { session, issue } = serving();
  session.answers = (id) => {
    session.arrive(202, id);
    session.arrive(400, id, { errorCode: 400037 });
  };
  assert.equal(await code(issue()), 'NL-AZURE-REFUSED');
});

test('no session, or no SUBACK: DPS issues it', async () => {
  const { opened, issue, begun } = stage();
  assert.equal(await code(issue()), 'not here');
  opened().refusesFilter = true;
  assert.equal(await code(issue()), 'not here');
  assert.deepEqual(begun, []);
});

test('a session that is being opened is waited for, and not for its time', async () => {
  const { opened, issue } = stage(TIMES, { sleep: () => new Promise(() => {}) });
  const issued = code(issue());
  const session = opened();
  session.answers = (id) => session.arrive(200, id, { certificates });
  assert.equal(await issued, 'issued');
});

test('a hub that says nothing twice is not asked a third time', async () => {
  const { opened, issue } = stage({ ...TIMES, answerMs: 20 });
  opened();
  assert.equal(await code(issue()), 'NL-AZURE-SILENT');
  assert.equal(await code(issue()), 'NL-AZURE-SILENT');
  assert.equal(await code(issue()), 'not here');
});

test('a hub that ends the session over the request is one that says nothing', async () => {
  const { opened, issue } = stage();
  for (let times = 1; times <= 2; times += 1) {
    const session = opened();
    session.answers = () => session.end('lost');
    assert.equal(await code(issue()), 'NL-AZURE-SILENT');
  }
  opened();
  assert.equal(await code(issue()), 'not here');
});

test('a session that ends later does not take the next one along', async () => {
  const { opened, issue } = stage();
  const first = opened();
  const second = opened();
  second.answers = (id) => second.arrive(200, id, { certificates });
  first.end('lost');
  await first.closed;
  assert.equal(await code(issue()), 'issued');
});

test('silence is counted from the last answer on', async () => {
  const { opened, issue } = stage({ ...TIMES, answerMs: 20 });
  const first = opened();
  assert.equal(await code(issue()), 'NL-AZURE-SILENT');
  first.answers = (id) => first.arrive(202, id);
  assert.equal(await code(issue()), 'NL-AZURE-PENDING');
  first.end('lost');
  opened();
  for (let times = 1; times <= 2; times += 1) assert.equal(await code(issue()), 'NL-AZURE-SILENT');
  assert.equal(await code(issue()), 'not here');
});

test('the certificate of a request before is not that of the next one', async () => {
  const { session, issue } = serving();
  session.answers = (id) => session.arrive(id === 'request-1' ? 202 : 400, id);
  assert.equal(await code(issue()), 'NL-AZURE-PENDING');
  session.arrive(200, 'request-1', { certificates });
  assert.equal(await code(issue('request-2')), 'NL-AZURE-REFUSED');
});

test('everything else of the session is for its second user', async () => {
  const seen: string[] = [];
  const user = {
    opened: () => void seen.push('opened'),
    arrived: (_: unknown, { topic }: HubMessage) => {
      seen.push(topic);
      return undefined;
    },
  };
  const renewal = new HubRenewal(user, TIMES);
  const session = new PlayedSession(renewal);
  renewal.opened(session);
  session.arrive(202, 'abcd');
  renewal.arrived(session, { topic: 'devices/gw-0001/messages/devicebound/', payload: Buffer.of(), qos: 0 });
  assert.deepEqual(seen, ['opened', 'devices/gw-0001/messages/devicebound/']);
});
