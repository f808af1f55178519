import { Gateway } from '../../test/e2e/stage/gateway.ts';
import { type Simulator, startSimulator } from '../../test/simulator/simulator.ts';
import { must, Telling } from './telling.ts';

export const DEVICE = 'gw-0001';

/** The far side, a gateway, and who tells of both. */
export interface Stage {
  readonly far: Simulator;
  readonly gateway: Gateway;
  readonly telling: Telling;
}

export async function openStage(): Promise<Stage> {
  const far = await startSimulator();
  const gateway = new Gateway(far.endpoints, { registrationId: DEVICE });
  return { far, gateway, telling: new Telling(far) };
}

/** The back end calls the direct method. */
export async function callReprovision({ far, telling }: Stage, payload: object): Promise<void> {
  const { status } = await far.callMethod(DEVICE, 'reprovision', payload);
  telling.tell('back end', `calls reprovision ${JSON.stringify(payload)}: ${status}`);
  must(status === 202, `the direct method is accepted with 202 (it was ${status})`);
}

/** The token is asked from outside, by pkcs11-tool. */
export function holdsKeys({ gateway, telling }: Stage, labels: readonly string[], why = ''): void {
  const found = gateway.token.privateKeys().join(' and ');
  must(found === labels.join(' and '), `the token holds ${labels.join(' and ')} (it holds ${found})`);
  telling.tell('token', `holds ${labels.length === 1 ? 'one private key' : 'two private keys'}: ${found}${why}`);
}
