import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { assertKept, Counting, drained, type Kept } from '../stage/counting.ts';
import type { GatewayOptions } from '../stage/gateway.ts';
import { type Serving, serving } from '../stage/site.ts';

export const ID = 'gw-0001';

/** A gateway that serves, and takes as many messages as come. */
export const brisk = (t: TestContext, options: GatewayOptions = {}): Promise<Serving> =>
  serving(t, { settings: { 'uplink.rate': '1000' }, ...options });

/** A program that counts, until the end of the test. */
export async function counting(
  t: TestContext,
  { gateway }: Serving,
  name: string,
  options: ConstructorParameters<typeof Counting>[2] = {},
): Promise<Counting> {
  const program = new Counting(name, await gateway.program(name), options);
  t.after(() => program.stop());
  return program;
}

/** Nothing reaches the hub until the fault is lifted. */
export async function cutOff({ far, gateway }: Serving): Promise<void> {
  await far.lay('hub1', 'port-closed');
  await gateway.until(({ online }) => !online);
}

/** The program ends, and all that it has sent arrives. */
export async function assertArrived({ far, gateway }: Serving, program: Counting): Promise<Kept> {
  await program.finish();
  await drained(gateway, program.name);
  const kept = await assertKept(far, ID, program);
  assert.equal(kept.arrived, program.sent);
  return kept;
}
