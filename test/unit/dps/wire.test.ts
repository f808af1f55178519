import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleaned, readDpsAnswer } from '../../../agent/dps/wire.ts';
import { type Code, Fault } from '../../../agent/failure/failure.ts';

const topic = (status: number | string, more = ''): string => `$dps/registrations/res/${status}/?$rid=r-1${more}`;
const json = (body: unknown): string => JSON.stringify(body);

const ASSIGNED = {
  operationId: '5.ae17',
  status: 'assigned',
  registrationState: { assignedHub: 'my-hub.azure-devices.net', deviceId: 'gw-0001', substatus: 'initialAssignment' },
};
const assignedTo = (state: object) =>
  json({ ...ASSIGNED, registrationState: { ...ASSIGNED.registrationState, ...state } });
const failed = (state: object) => json({ operationId: '5.ae17', status: 'failed', registrationState: state });

test('assigned', () => {
  const assignment = { hub: 'my-hub.azure-devices.net', deviceId: 'gw-0001', substatus: 'initialAssignment' };
  assert.deepEqual(readDpsAnswer(topic(200), json(ASSIGNED), true), { status: 'assigned', assignment });
  // The SDK compares the status in lower case; private endpoints and tests have a port; substatus may be absent.
  const other = json({ status: 'Assigned', registrationState: { assignedHub: 'localhost:8883', deviceId: 'd' } });
  assert.deepEqual(readDpsAnswer(topic(202), other, false), {
    status: 'assigned',
    assignment: { hub: 'localhost:8883', deviceId: 'd' },
  });
});

test('assigned: every character that a device ID may have', () => {
  for (const deviceId of ["aZ09-.%_*?!(),:=@$'", 'x'.repeat(128)]) {
    const answer = readDpsAnswer(topic(200), assignedTo({ deviceId }), true);
    assert.ok(answer !== undefined && !(answer instanceof Fault) && answer.status === 'assigned');
    assert.equal(answer.assignment.deviceId, deviceId);
  }
});

const POLLS: readonly (readonly [string, number])[] = [
  ['', 2_000],
  ['&retry-after=3', 3_000],
  ['&Retry-After=3', 3_000],
  ['&retry-after=1.5', 1_500],
  ['&retry-after=0', 100],
  ['&retry-after=0.01', 100],
  ['&retry-after=-5', 2_000],
  ['&retry-after=soon', 2_000],
  ['&retry-after=', 2_000],
  ['&retry-after=0x10', 2_000],
  ['&retry-after=1e9', 2_000],
  ['&retry-after=Infinity', 2_000],
  ['&Retry-After=3', 3_000],
  ['&retry-after=3600', 3_600_000],
  ['&retry-after=86400', 86_400_000],
  [`&retry-after=${'9'.repeat(400)}`, 86_400_000],
];

for (const [query, retryAfterMs] of POLLS) {
  test(`assigning${query.slice(0, 40)}: poll after ${retryAfterMs} ms`, () => {
    const answer = readDpsAnswer(topic(202, query), json({ operationId: '4.d0', status: 'assigning' }), false);
    assert.deepEqual(answer, { status: 'assigning', operationId: '4.d0', retryAfterMs });
  });
}

for (const [query, retryAfterMs] of [
  ['', 2_000],
  ['&retry-after=0', 2_000],
  ['&retry-after=1.5', 2_000],
  ['&retry-after=3', 3_000],
] as const) {
  test(`assigning${query}, said to a poll: the next poll after ${retryAfterMs} ms`, () => {
    const answer = readDpsAnswer(topic(202, query), json({ operationId: '4.d0', status: 'assigning' }), true);
    assert.deepEqual(answer, { status: 'assigning', operationId: '4.d0', retryAfterMs });
  });
}

test('what the SDK is shown of an assigning answer is ASCII, and has a number of seconds', () => {
  const shown = cleaned(topic(202, '&retry-after=soon'), {
    status: 'assigning',
    operationId: '4.d0',
    retryAfterMs: 100,
  });
  assert.deepEqual(shown, {
    topic: '$dps/registrations/res/202/?$rid=r-1&retry-after=0.1',
    payload: '{"operationId":"4.d0","status":"assigning"}',
  });
});

interface Row {
  readonly name: string;
  readonly topic: string;
  readonly body: string;
  readonly code: Code;
  readonly retryAfterMs?: number;
  readonly polling?: true;
}

const error = (errorCode: number, message = 'm') => json({ errorCode, trackingId: 'e549', message });

/** What DPS says where it has a hub, a link or a function to complain of, and not the leaf. */
function allocationFailures(): Row[] {
  const hub = '{"Message":"ErrorCode:IotHubUnauthorizedAccess;Unauthorized","ExceptionMessage":"Tracking ID:1"}';
  const states: readonly (readonly [string, object])[] = [
    ['no hub is linked, as Microsoft measured it', { errorCode: 401001, errorMessage: 'IoTHub not found.' }],
    ['DPS has lost its right at the hub', { errorCode: 401002, errorMessage: 'IotHubUnauthorizedAccess' }],
    ['the answer of the hub itself', { errorCode: 401002, errorMessage: hub }],
    ['a hub that is not found, by its words', { errorCode: 404001, errorMessage: 'IotHub not found.' }],
    ['the allocation function, by its words', { errorCode: 401002, errorMessage: 'Custom allocation failed with 500' }],
    ['a number nobody knows', { errorCode: 400206 }],
    ['forbidden', { errorCode: 403000 }],
    ['no number', {}],
    ['a number that is none', { errorCode: '400208' }],
  ];
  const retryAfterMs = 300_000;
  const code = 'NL-DPS-ALLOCATION';
  return [
    ...states.map(([name, state]) => ({ name, topic: topic(200), body: failed(state), code, retryAfterMs }) as const),
    { name: '401001', topic: topic(401), body: error(401001), code, retryAfterMs },
    {
      name: 'res/401 of the hub',
      topic: topic(401),
      body: error(401002, 'IotHubUnauthorizedAccess'),
      code,
      retryAfterMs,
    },
    {
      name: 'allocation failed, 10 min',
      topic: topic(200, '&retry-after=600'),
      body: failed({ errorCode: 401001 }),
      code,
      retryAfterMs: 600_000,
    },
  ];
}

const FAULTS: readonly Row[] = [
  { name: '401002', topic: topic(401), body: error(401002), code: 'NL-DPS-401002' },
  { name: '401000', topic: topic(401), body: error(401000), code: 'NL-DPS-401002' },
  { name: '401 without a body', topic: topic(401), body: '', code: 'NL-DPS-401002' },
  { name: '401 while polling', topic: topic(401), body: error(401002), code: 'NL-DPS-401002', polling: true },
  { name: '404201', topic: topic(404), body: error(404201), code: 'NL-DPS-404201' },
  {
    name: '404 while polling: the operation is lost',
    topic: topic(404),
    body: '',
    code: 'NL-DPS-SERVER',
    polling: true,
  },
  { name: '409203', topic: topic(409), body: error(409203), code: 'NL-DPS-CONFLICT' },
  { name: '400004', topic: topic(400), body: error(400004), code: 'NL-DPS-OTHER', retryAfterMs: 300_000 },
  { name: '400207', topic: topic(400), body: error(400207), code: 'NL-DPS-ALLOCATION', retryAfterMs: 300_000 },
  { name: '403', topic: topic(403), body: '', code: 'NL-DPS-OTHER', retryAfterMs: 300_000 },
  { name: '415', topic: topic(415), body: '', code: 'NL-DPS-REFUSED' },
  {
    name: '400, 10 min',
    topic: topic(400, '&retry-after=600'),
    body: '',
    code: 'NL-DPS-OTHER',
    retryAfterMs: 600_000,
  },
  { name: '408', topic: topic(408), body: '', code: 'NL-DPS-TIMEOUT' },
  { name: '412', topic: topic(412), body: 'not JSON', code: 'NL-DPS-CONFLICT' },
  ...allocationFailures(),
  { name: '429', topic: topic(429), body: '', code: 'NL-DPS-THROTTLED' },
  {
    name: '429, 7.5 s',
    topic: topic(429, '&retry-after=7.5'),
    body: '',
    code: 'NL-DPS-THROTTLED',
    retryAfterMs: 7_500,
  },
  { name: '429, garbage', topic: topic(429, '&retry-after=x'), body: '{', code: 'NL-DPS-THROTTLED' },
  {
    name: '429, a day',
    topic: topic(429, '&retry-after=86400'),
    body: '',
    code: 'NL-DPS-THROTTLED',
    retryAfterMs: 86_400_000,
  },
  {
    name: '429, a century',
    topic: topic(429, '&retry-after=3153600000'),
    body: '',
    code: 'NL-DPS-THROTTLED',
    retryAfterMs: 86_400_000,
  },
  {
    name: '429, in capitals',
    topic: topic(429, '&Retry-After=7'),
    body: '',
    code: 'NL-DPS-THROTTLED',
    retryAfterMs: 7_000,
  },
  { name: '500', topic: topic(500), body: error(500001), code: 'NL-DPS-SERVER' },
  { name: '503, 2 s', topic: topic(503, '&retry-after=2'), body: '', code: 'NL-DPS-SERVER', retryAfterMs: 2_000 },
  { name: 'failed 401002', topic: topic(200), body: failed({ errorCode: 401002 }), code: 'NL-DPS-401002' },
  {
    name: 'failed 404201',
    topic: topic(200),
    body: failed({ errorCode: 404201 }),
    code: 'NL-DPS-404201',
    polling: true,
  },
  {
    name: 'failed 400208',
    topic: topic(200),
    body: failed({ errorCode: 400208 }),
    code: 'NL-DPS-ALLOCATION',
    retryAfterMs: 300_000,
  },
  {
    name: 'failed 400209',
    topic: topic(200),
    body: failed({ errorCode: 400209 }),
    code: 'NL-DPS-ALLOCATION',
    retryAfterMs: 300_000,
  },
  { name: 'failed 429001', topic: topic(200), body: failed({ errorCode: 429001 }), code: 'NL-DPS-THROTTLED' },
  { name: 'failed 500000', topic: topic(200), body: failed({ errorCode: 500000 }), code: 'NL-DPS-SERVER' },
  { name: 'failed 408000', topic: topic(200), body: failed({ errorCode: 408000 }), code: 'NL-DPS-TIMEOUT' },
  { name: 'failed 412001', topic: topic(200), body: failed({ errorCode: 412001 }), code: 'NL-DPS-CONFLICT' },
  { name: 'disabled', topic: topic(200), body: json({ status: 'disabled' }), code: 'NL-DPS-DISABLED' },
  { name: 'unassigned', topic: topic(200), body: json({ status: 'unassigned' }), code: 'NL-DPS-BODY' },
  { name: 'a status nobody knows', topic: topic(200), body: json({ status: 'new' }), code: 'NL-DPS-BODY' },
  { name: 'empty', topic: topic(200), body: '', code: 'NL-DPS-BODY' },
  { name: 'not JSON', topic: topic(202), body: '<html>', code: 'NL-DPS-BODY' },
  { name: 'JSON null', topic: topic(200), body: 'null', code: 'NL-DPS-BODY' },
  { name: 'JSON array', topic: topic(200), body: '[]', code: 'NL-DPS-BODY' },
  { name: 'no status', topic: topic(200), body: '{"operationId":"4.d0"}', code: 'NL-DPS-BODY' },
  { name: 'status no string', topic: topic(200), body: '{"status":1}', code: 'NL-DPS-BODY' },
  { name: 'assigning, no operationId', topic: topic(202), body: json({ status: 'assigning' }), code: 'NL-DPS-BODY' },
  {
    name: 'assigning, empty operationId',
    topic: topic(202),
    body: json({ status: 'assigning', operationId: '' }),
    code: 'NL-DPS-BODY',
  },
  { name: 'assigned, no state', topic: topic(200), body: json({ status: 'assigned' }), code: 'NL-DPS-BODY' },
  { name: 'assigned, no hub', topic: topic(200), body: assignedTo({ assignedHub: undefined }), code: 'NL-DPS-BODY' },
  { name: 'assigned, no device', topic: topic(200), body: assignedTo({ deviceId: '' }), code: 'NL-DPS-BODY' },
  ...['gw/../x', 'gw/modules/x', 'a#b', 'a+b', 'a&b', 'a b', 'a;b', 'gw\n', 'gä', 'x'.repeat(129)].map((deviceId) => ({
    name: `device ${JSON.stringify(deviceId).slice(0, 20)}`,
    topic: topic(200),
    body: assignedTo({ deviceId }),
    code: 'NL-DPS-BODY' as const,
  })),
  { name: 'hub with a path', topic: topic(200), body: assignedTo({ assignedHub: 'a.b/c' }), code: 'NL-DPS-BODY' },
  { name: 'hub with a user', topic: topic(200), body: assignedTo({ assignedHub: 'u@a.b' }), code: 'NL-DPS-BODY' },
  { name: 'hub with a blank', topic: topic(200), body: assignedTo({ assignedHub: 'a b' }), code: 'NL-DPS-BODY' },
  { name: 'hub port too large', topic: topic(200), body: assignedTo({ assignedHub: 'a:99999' }), code: 'NL-DPS-BODY' },
  {
    name: 'hub name too long',
    topic: topic(200),
    body: assignedTo({ assignedHub: 'a'.repeat(254) }),
    code: 'NL-DPS-BODY',
  },
  { name: 'status of the topic no number', topic: topic('abc'), body: json(ASSIGNED), code: 'NL-DPS-BODY' },
  { name: 'status of the topic a path', topic: topic('200/x'), body: json(ASSIGNED), code: 'NL-DPS-BODY' },
  { name: '302', topic: topic(302), body: json(ASSIGNED), code: 'NL-DPS-BODY' },
];

for (const { name, topic, body, code, retryAfterMs, polling = false } of FAULTS) {
  test(`${name}: ${code}`, () => {
    const answer = readDpsAnswer(topic, body, polling);
    assert(answer instanceof Fault);
    assert.equal(answer.failure.code, code);
    assert.equal(answer.failure.retryAfterMs, retryAfterMs);
  });
}

test('number, tracking ID and words of DPS are in the cause', () => {
  const refusal = readDpsAnswer(topic(401), error(401002, 'CA certificate not found.'), false);
  assert(refusal instanceof Fault);
  assert.equal(refusal.failure.cause, '401002, tracking ID e549, CA certificate not found.');
  const inside = readDpsAnswer(topic(200), failed({ errorCode: 400208, errorMessage: 'No hub' }), true);
  assert(inside instanceof Fault);
  assert.equal(inside.failure.cause, '400208, No hub');
  const registrationState = { errorCode: 400300, errorMessage: 'Disabled' };
  const disabled = readDpsAnswer(topic(200), json({ status: 'disabled', registrationState }), true);
  assert.ok(disabled instanceof Fault);
  assert.equal(disabled.failure.cause, '400300, Disabled');
});

test('other packets are no answers', () => {
  for (const other of ['', '$dps/registrations/res/200', '$dps/registrations/PUT/iotdps-register/?$rid=1', 'a/b']) {
    assert.equal(readDpsAnswer(other, json(ASSIGNED), false), undefined);
  }
});

test('no verified CA above the leaf: the sentence and the advice name the root', () => {
  const answer = readDpsAnswer(topic(401), error(401002, 'CA certificate not found.'), false);
  assert.ok(answer instanceof Fault);
  assert.equal(answer.failure.code, 'NL-DPS-401002');
  assert.match(answer.failure.message, /or no CA above it is verified in DPS/);
  assert.match(answer.failure.advice, /verify the root above it in DPS/);
});
