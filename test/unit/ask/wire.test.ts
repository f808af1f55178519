import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../agent/ask/ask.ts';
import { onWire } from '../../../agent/ask/wire.ts';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import { ended, statusWith } from '../cli/stage.ts';

/** What a caller sees of a failure: never its kind, its cause, or a pause that only the loop needs. */
const told = (code: Code) => {
  const { message, advice } = failure(code);
  return { code, message, advice };
};
const failed = (code: Code) => failure(code, { cause: 'not for callers', retryAfterMs: 1 });
const status = statusWith();

const ROWS: readonly (readonly [answer: Answer, status: number, body: object])[] = [
  [{ is: 'status', status }, 200, status],
  [{ is: 'csr', csr: 'PEM', slot: 'b', cn: 'gw-1' }, 200, { csr: 'PEM', slot: 'b', cn: 'gw-1' }],
  [{ is: 'accepted', id: 'r1', phase: 'serving' }, 202, { id: 'r1', phase: 'serving' }],
  [
    { is: 'accepted', id: 'r1', thumbprint: 'AA', message: 'By A.', phase: 'serving' },
    202,
    { id: 'r1', thumbprint: 'AA', message: 'By A.', phase: 'serving' },
  ],
  [{ is: 'ended', outcome: ended() }, 200, ended()],
  [{ is: 'busy', id: 'r9', failure: failed('NL-BUSY') }, 409, { id: 'r9', ...told('NL-BUSY') }],
  [{ is: 'busy', id: undefined, failure: failed('NL-BUSY') }, 409, told('NL-BUSY')],
  [{ is: 'busy', failure: failed('NL-ISSUER-PERSON') }, 409, told('NL-ISSUER-PERSON')],
  [
    { is: 'later', failure: failed('NL-BUDGET'), retryAfterSeconds: 90 },
    429,
    { retryAfterSeconds: 90, ...told('NL-BUDGET') },
  ],
  [
    { is: 'later', failure: failed('NL-LEAF-NOT-YET'), retryAfterSeconds: 7 },
    409,
    { retryAfterSeconds: 7, ...told('NL-LEAF-NOT-YET') },
  ],
  [{ is: 'refused', failure: failed('NL-LEAF-CN') }, 400, told('NL-LEAF-CN')],
  [{ is: 'broken', failure: failed('NL-STATE-WRITE') }, 500, told('NL-STATE-WRITE')],
];

for (const [answer, code, body] of ROWS) {
  test(`${answer.is}, ${'failure' in answer ? answer.failure.code : 'as it is'}: ${code}`, async () => {
    const said = await onWire(async () => answer)({ kind: 'status' });
    assert.equal(said.status, code);
    // Order included: it is what people read.
    assert.equal(JSON.stringify(said.body), JSON.stringify(body));
  });
}

test('a status has the programs of the gateway, where there are any; no other answer has them', async () => {
  const programs = { programs: [], rate: 20, isThrottled: false };
  const status = { is: 'status', status: { schema: 1 } } as unknown as Answer;
  const refused: Answer = { is: 'refused', failure: failed('NL-LEAF-CN') };
  const body = async (answer: Answer, told?: () => object | undefined) =>
    (await onWire(async () => answer, told)({ kind: 'status' })).body;
  assert.deepEqual(await body(status), { schema: 1 });
  assert.deepEqual(await body(status, () => undefined), { schema: 1 });
  assert.deepEqual(await body(status, () => programs), { schema: 1, uplink: programs });
  assert.deepEqual(await body(refused, () => programs), told('NL-LEAF-CN'));
});
