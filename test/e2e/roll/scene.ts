import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { GRACE_REFUSALS } from '../../../agent/roll/backoff.ts';
import type { ClientIdentity, IssuePolicy } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import type { Switches } from '../../simulator/switches.ts';
import { importFactoryKey } from '../stage/factory-key.ts';
import { Gateway, type GatewayOptions } from '../stage/gateway.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { Operator } from './operator.ts';

export const ID = 'gw-0001';

/** What DPS does with a device that registers again. */
export type Policy = 'migrate' | 'reset' | 'never';

/** Where a story goes its ways: positions of the far side, and what the operator has decided. */
export interface Variant {
  readonly switches?: Partial<Switches>;
  readonly policy?: Policy;
}

/** A far side that enrolls nobody yet, its operator, and a gateway that has not been started. */
export interface Scene {
  readonly far: Simulator;
  readonly operator: Operator;
  readonly gateway: Gateway;
}

/** A scene whose gateway has a key from the factory in its token. Somebody has kept a copy of key and leaf. */
export interface FactoryScene extends Scene {
  readonly stolen: ClientIdentity;
}

/** All of it goes away with the test. */
export async function scene(
  t: TestContext,
  switches: Partial<Switches> = {},
  options: GatewayOptions = {},
): Promise<Scene> {
  const far = await startSimulator({ switches });
  const gateway = new Gateway(far.endpoints, { registrationId: ID, ...options });
  const operator = new Operator(far.endpoints);
  t.after(async () => {
    await gateway.remove();
    await far.close();
    operator.remove();
  });
  return { far, gateway, operator };
}

/**
 * The operator has the leaf of the factory in gw-0001.pem.
 * @param policy how it is made
 */
export async function factoryScene(
  t: TestContext,
  switches: Partial<Switches> = {},
  policy: IssuePolicy = {},
): Promise<FactoryScene> {
  const made = await scene(t, switches, { settings: { 'hsm.key': '"pkcs11:object=factory"' } });
  const stolen = await made.far.clientIdentity(ID, policy);
  importFactoryKey(made.gateway, stolen);
  made.operator.keep('gw-0001.pem', stolen.cert);
  return { ...made, stolen };
}

/** A gateway that serves by an individual enrollment, which the operator has made from what `newleaf init` printed. */
export async function individualScene(
  t: TestContext,
  switches: Partial<Switches> = {},
  policy: Policy = 'migrate',
): Promise<Scene> {
  const made = await scene(t, switches);
  const { gateway, operator } = made;
  const printed = await gateway.command('init');
  assert.equal(printed.code, 4, printed.out + printed.err);
  // As the printed command names it; by the time there is a next leaf, it has another name on the desk.
  operator.keep('next.pem', printed.out);
  operator.keep('gw-0001.pem', printed.out);
  const [line = ''] = /enroll add individual .*$/m.exec(printed.out) ?? [];
  await operator.types(`${line} --policy ${policy}`);
  const through = await gateway.command('init');
  assert.equal(through.code, 0, through.out + through.err);
  await begin(made);
  return made;
}

/** Starts the gateway, and waits until the hub has let it in. */
export async function begin({ far, gateway }: Scene): Promise<void> {
  await gateway.start();
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await gateway.settled();
}

/** Lets the hub refuse the next leaf for good, without the pauses: each question of a technician tries at once. */
export async function refusedForGood(gateway: Gateway): Promise<void> {
  const { log } = gateway;
  const refused = { event: 'failed', action: 'connect', phase: 'connecting-next' };
  let since = 0;
  // After the last refusal it is in another phase.
  for (let times = 1; times < GRACE_REFUSALS; times += 1) {
    const line = await log.waitFor(refused, { since, timeoutMs: PATIENCE_MS });
    since = log.lines.indexOf(line) + 1;
    await gateway.post('/v1/reprovision');
  }
}

/**
 * `usual`: the far side as it usually is (stage e2e); `other`: all that is not known of it (stage stories). Both, where a file is
 * run by itself.
 */
const POSITIONS = process.env.NEWLEAF_TEST_POSITIONS;

export const isPlayed = (positions: 'usual' | 'other'): boolean => POSITIONS === undefined || POSITIONS === positions;

/** The rows that are to be played here. */
export const rowsHere = <Row extends Variant>(rows: readonly Row[]): readonly Row[] =>
  rows.filter(({ switches }) => isPlayed(switches === undefined ? 'usual' : 'other'));

/** A test that wants another far side than the usual one. */
export const otherwise = (name: string, play: (t: TestContext) => Promise<void>): void => {
  if (isPlayed('other')) test(name, play);
};

/** The same for the usual one. */
export const usually = (name: string, play: (t: TestContext) => Promise<void>): void => {
  if (isPlayed('usual')) test(name, play);
};

/** The words for a row: what it is about, and everything that differs from the usual. */
export function titleOf(about: string, { switches = {}, policy }: Variant): string {
  const positions = Object.entries(switches).map(([name, position]) => `${name} ${JSON.stringify(position)}`);
  return [about, ...(policy === undefined ? [] : [`policy ${policy}`]), ...positions].join(', ');
}
