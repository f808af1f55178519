import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Entry } from '../../simulator/log.ts';
import type { MethodAnswer } from '../../simulator/methods.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { Gateway, type GatewayOptions } from './gateway.ts';

/** Longest wait for something that is bound to happen, on a machine that is busy with other tests. */
export const PATIENCE_MS = 60_000;

/** The far side, and a gateway that has not been started. */
export interface Site {
  readonly far: Simulator;
  readonly gateway: Gateway;
}

/** A far side whose group enrolls every leaf of the CA, and a gateway of it; both go away with the test. */
export async function site(t: TestContext, options: GatewayOptions = {}): Promise<Site> {
  const far = await startSimulator();
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const gateway = new Gateway(far.endpoints, options);
  t.after(async () => {
    await gateway.remove();
    await far.close();
  });
  return { far, gateway };
}

export interface Serving extends Site {
  /** The hub's entry of the session that is open. */
  readonly session: Entry;
  /** The leaf that the session was made with, as the hub saw it. */
  readonly thumbprint: string;
}

/** A gateway that has been provisioned, and serves. */
export async function serving(t: TestContext, options: GatewayOptions = {}): Promise<Serving> {
  const { far, gateway } = await site(t, options);
  await gateway.start();
  const session = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await gateway.settled();
  return { far, gateway, session, thumbprint: session.thumbprint ?? '' };
}

/** Ends every session of the hub, as a failover does; the device may come back at once. */
export async function cut(far: Simulator): Promise<void> {
  await far.lay('hub1', 'port-closed');
  await far.lift('hub1', 'port-closed');
}

/** Calls the method until the budget allows it, and waits as long as the gateway says. */
export async function patiently(call: () => Promise<MethodAnswer>): Promise<MethodAnswer> {
  for (;;) {
    const answer = await call();
    if (answer.status !== 429) return answer;
    const { retryAfterSeconds } = answer.payload as { readonly retryAfterSeconds: number };
    await pause(retryAfterSeconds * 1_000);
  }
}
