import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { askSocket } from '../../../agent/control/client.ts';
import { thumbprintOf } from '../../simulator/ca.ts';
import { container, damaged, damages } from './containers.ts';
import { openHub } from './hub.ts';
import { Stage } from './stage.ts';
import { ber, text } from './unreadable.ts';
import { type Delivered, granted, ordinary, pemOf } from './wish.ts';

const RUNS = 120;

/** The right chain in some packing, damaged; or what never was one. */
const delivery = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(container, damages).map(
      ([pack, harm]) =>
        (chain: Delivered) =>
          damaged(pack(chain), harm),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .oneof(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), text, ber)
      .map((bytes) => () => Buffer.from(bytes)),
  },
);

test('the running program takes whatever is delivered, and no other leaf than the right one serves', async (t) => {
  const stage = await Stage.open(t, openHub);
  const { far, gateway } = stage;
  const { registrationId, socket, pid } = gateway;
  await stage.first();
  const right = new Set([thumbprintOf(stage.leaf())]);

  /** The chain for the next key. */
  const expected = async (): Promise<Delivered> => {
    const { body } = await askSocket(socket, 'POST', '/v1/csr', {});
    const [leaf, ...issuers] = await granted(ordinary, (body as { csr: string }).csr, far);
    assert.ok(leaf !== undefined);
    right.add(thumbprintOf(new X509Certificate(leaf)));
    return [leaf, ...issuers];
  };
  const byMethod = async (bytes: Buffer) =>
    (await far.callMethod(registrationId, 'installLeaf', { chain: bytes.toString('latin1') })).status;
  const overSocket = async (bytes: Buffer) =>
    (await askSocket(socket, 'POST', '/v1/leaf', { leaf: bytes.toString('base64') })).status;

  let chain = await expected();
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(delivery, fc.constantFrom(byMethod, overSocket), async (make, bring) => {
      const status = await bring(make(chain));
      assert.ok([202, 400, 429].includes(status), `it was answered with ${status}`);
      if (status !== 202) return;
      // Harmless damage; or harm to a signature that only DPS can check, as the name of its issuer is damaged, too.
      accepted += 1;
      const { next } = await gateway.until(({ request: busy, online }) => busy === undefined && online);
      if (next === undefined) chain = await expected();
    }),
    { numRuns: RUNS },
  );
  t.diagnostic(`${accepted} of ${RUNS} were accepted`);

  assert.equal(await overSocket(Buffer.from(pemOf(chain))), 202);
  const { leaf } = await gateway.settled();
  assert.equal(leaf?.thumbprint, thumbprintOf(new X509Certificate(chain[0] ?? '')));
  for (const { thumbprint = '' } of far.log.matching(({ event }) => event === 'assigned' || event === 'connected')) {
    assert.ok(right.has(thumbprint), 'no other leaf got anywhere');
  }
  assert.equal(gateway.pid, pid);
  assert.deepEqual(gateway.log.matching({ code: 'NL-INTERNAL' }), []);
});
