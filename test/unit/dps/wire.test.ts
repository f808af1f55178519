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

const POLLS: readonly (readonly [query: string, retryAfterMs: number, isPolling?: boolean])[] = [
  ['', 2_000],
  ['&retry-after=3', 3_000],
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
  ['', 2_000, true],
  ['&retry-after=0', 2_000, true],
  ['&retry-after=1.5', 2_000, true],
  ['&retry-after=3', 3_000, true],
];

for (const [query, retryAfterMs, isPolling = false] of POLLS) {
  test(`assigning${query.slice(0, 40)}${isPolling ? ', said to a poll' : ''}: poll after ${retryAfterMs} ms`, () => {
    const answer = readDpsAnswer(topic(202, query), json({ operationId: '4.d0', status: 'assigning' }), isPolling);
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

/** What DPS answers: status, rest of the query, body; the code that it is, and when DPS may be asked again. */
type Row = readonly [
  name: string,
  status: number | string,
  query: string,
  body: string,
  code: Code,
  retryAfterMs?: number | undefined,
  polling?: 'polling',
];

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
  const code = 'NL-DPS-ALLOCATION';
  return [
    ...states.map(([name, state]) => [name, 200, '', failed(state), code, 300_000] as const),
    ['401001', 401, '', error(401001), code, 300_000],
    ['res/401 of the hub', 401, '', error(401002, 'IotHubUnauthorizedAccess'), code, 300_000],
    ['allocation failed, 10 min', 200, '&retry-after=600', failed({ errorCode: 401001 }), code, 600_000],
  ];
}

const FAULTS: readonly Row[] = [
  ['401002', 401, '', error(401002), 'NL-DPS-401002'],
  ['401000', 401, '', error(401000), 'NL-DPS-401002'],
  ['401 without a body', 401, '', '', 'NL-DPS-401002'],
  ['401 while polling', 401, '', error(401002), 'NL-DPS-401002', undefined, 'polling'],
  ['404201', 404, '', error(404201), 'NL-DPS-404201'],
  ['404 while polling: the operation is lost', 404, '', '', 'NL-DPS-SERVER', undefined, 'polling'],
  ['409203', 409, '', error(409203), 'NL-DPS-CONFLICT'],
  ['400004', 400, '', error(400004), 'NL-DPS-OTHER', 300_000],
  ['400207', 400, '', error(400207), 'NL-DPS-ALLOCATION', 300_000],
  ['403', 403, '', '', 'NL-DPS-OTHER', 300_000],
  ['415', 415, '', '', 'NL-DPS-REFUSED'],
  ['400, 10 min', 400, '&retry-after=600', '', 'NL-DPS-OTHER', 600_000],
  ['408', 408, '', '', 'NL-DPS-TIMEOUT'],
  ['412', 412, '', 'not JSON', 'NL-DPS-CONFLICT'],
  ...allocationFailures(),
  ['429', 429, '', '', 'NL-DPS-THROTTLED'],
  ['429, 7.5 s', 429, '&retry-after=7.5', '', 'NL-DPS-THROTTLED', 7_500],
  ['429, garbage', 429, '&retry-after=x', '{', 'NL-DPS-THROTTLED'],
  ['429, a day', 429, '&retry-after=86400', '', 'NL-DPS-THROTTLED', 86_400_000],
  ['429, a century', 429, '&retry-after=3153600000', '', 'NL-DPS-THROTTLED', 86_400_000],
  ['429, in capitals', 429, '&Retry-After=7', '', 'NL-DPS-THROTTLED', 7_000],
  ['500', 500, '', error(500001), 'NL-DPS-SERVER'],
  ['503, 2 s', 503, '&retry-after=2', '', 'NL-DPS-SERVER', 2_000],
  ['failed 401002', 200, '', failed({ errorCode: 401002 }), 'NL-DPS-401002'],
  ['failed 404201', 200, '', failed({ errorCode: 404201 }), 'NL-DPS-404201', undefined, 'polling'],
  ['failed 400208', 200, '', failed({ errorCode: 400208 }), 'NL-DPS-ALLOCATION', 300_000],
  ['failed 400209', 200, '', failed({ errorCode: 400209 }), 'NL-DPS-ALLOCATION', 300_000],
  ['failed 429001', 200, '', failed({ errorCode: 429001 }), 'NL-DPS-THROTTLED'],
  ['failed 500000', 200, '', failed({ errorCode: 500000 }), 'NL-DPS-SERVER'],
  ['failed 408000', 200, '', failed({ errorCode: 408000 }), 'NL-DPS-TIMEOUT'],
  ['failed 412001', 200, '', failed({ errorCode: 412001 }), 'NL-DPS-CONFLICT'],
  ['disabled', 200, '', json({ status: 'disabled' }), 'NL-DPS-DISABLED'],
  ['unassigned', 200, '', json({ status: 'unassigned' }), 'NL-DPS-BODY'],
  ['a status nobody knows', 200, '', json({ status: 'new' }), 'NL-DPS-BODY'],
  ['empty', 200, '', '', 'NL-DPS-BODY'],
  ['not JSON', 202, '', '<html>', 'NL-DPS-BODY'],
  ['JSON null', 200, '', 'null', 'NL-DPS-BODY'],
  ['JSON array', 200, '', '[]', 'NL-DPS-BODY'],
  ['no status', 200, '', '{"operationId":"4.d0"}', 'NL-DPS-BODY'],
  ['status no string', 200, '', '{"status":1}', 'NL-DPS-BODY'],
  ['assigning, no operationId', 202, '', json({ status: 'assigning' }), 'NL-DPS-BODY'],
  ['assigning, empty operationId', 202, '', json({ status: 'assigning', operationId: '' }), 'NL-DPS-BODY'],
  ['assigned, no state', 200, '', json({ status: 'assigned' }), 'NL-DPS-BODY'],
  ['assigned, no hub', 200, '', assignedTo({ assignedHub: undefined }), 'NL-DPS-BODY'],
  ['assigned, no device', 200, '', assignedTo({ deviceId: '' }), 'NL-DPS-BODY'],
  ...['gw/../x', 'gw/modules/x', 'a#b', 'a+b', 'a&b', 'a b', 'a;b', 'gw\n', 'gä', 'x'.repeat(129)].map(
    (id) =>
      [`device ${JSON.stringify(id).slice(0, 20)}`, 200, '', assignedTo({ deviceId: id }), 'NL-DPS-BODY'] as const,
  ),
  ['hub with a path', 200, '', assignedTo({ assignedHub: 'a.b/c' }), 'NL-DPS-BODY'],
  ['hub with a user', 200, '', assignedTo({ assignedHub: 'u@a.b' }), 'NL-DPS-BODY'],
  ['hub with a blank', 200, '', assignedTo({ assignedHub: 'a b' }), 'NL-DPS-BODY'],
  ['hub port too large', 200, '', assignedTo({ assignedHub: 'a:99999' }), 'NL-DPS-BODY'],
  ['hub name too long', 200, '', assignedTo({ assignedHub: 'a'.repeat(254) }), 'NL-DPS-BODY'],
  ['status of the topic no number', 'abc', '', json(ASSIGNED), 'NL-DPS-BODY'],
  ['status of the topic a path', '200/x', '', json(ASSIGNED), 'NL-DPS-BODY'],
  ['302', 302, '', json(ASSIGNED), 'NL-DPS-BODY'],
];

for (const [name, status, query, body, code, retryAfterMs, polling] of FAULTS) {
  test(`${name}: ${code}`, () => {
    const answer = readDpsAnswer(topic(status, query), body, polling !== undefined);
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
