import { Gateway } from '../test/e2e/stage/gateway.ts';
import type { Entry, Query } from '../test/simulator/log.ts';
import { startSimulator } from '../test/simulator/simulator.ts';

const STEP_MS = 20_000;
const device = 'gw-0001';
const short = (thumbprint: string | undefined) => `leaf ${thumbprint?.slice(0, 8) ?? '?'}…`;

const far = await startSimulator();
const gateway = new Gateway(far.endpoints, { registrationId: device });
const hubs = { hub1: far.endpoints.hub1, hub2: far.endpoints.hub2 };
let mark = 0;
let from = performance.timeOrigin + performance.now();

/** Begins a story, with waits and counts of its own. */
function story(title: string): void {
  console.log(`\n${title}`);
  mark = far.log.entries.length;
  from = performance.timeOrigin + performance.now();
}

function tell(who: string, what: string, at = performance.timeOrigin + performance.now()): void {
  console.log(`  ${((at - from) / 1000).toFixed(3).padStart(7)} s  ${who.padEnd(9)} ${what}`);
}

/** Waits until the far side sees it; the demo fails where it does not come. */
async function seen(who: string, query: Query, what: (entry: Entry) => string): Promise<Entry> {
  const entry = await far.log.waitFor(query, STEP_MS, mark);
  tell(who, what(entry), entry.at);
  return entry;
}

const connected = (server: 'hub1' | 'hub2' = 'hub1') =>
  seen(server, { server, event: 'connected' }, ({ thumbprint }) => `accepts ${short(thumbprint)}`);
const assigned = () =>
  seen('DPS', { event: 'assigned' }, ({ thumbprint, hub }) => `accepts ${short(thumbprint)} and assigns ${hub}`);
const twinRead = () => seen('hub', { event: 'twin' }, () => 'answers the twin read: the leaf is proven');

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`This did not happen: ${what}`);
}

function registrations(): number {
  return far.log.since(mark).filter(({ event }) => event === 'register').length;
}

async function call(payload: object): Promise<void> {
  const answer = await far.callMethod(device, 'reprovision', payload);
  tell('back end', `calls reprovision ${JSON.stringify(payload)}: ${answer.status} ${JSON.stringify(answer.payload)}`);
  must(answer.status === 202, 'the direct method is accepted with 202');
}

async function firstProvisioning(): Promise<void> {
  story('1. First provisioning: newleaf init');
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const { code, out, err } = await gateway.command('init');
  console.log(`${out}${err}`.trimEnd().replace(/^/gm, '  | '));
  must(code === 0, `newleaf init ends with 0 (it was ${code})`);
  must(gateway.token.privateKeys().join() === 'newleaf-a', 'the token holds exactly one key, newleaf-a');
  tell('token', 'holds one private key: newleaf-a');

  story('   The daemon: newleaf run');
  await gateway.start();
  await connected();
  await twinRead();
  must(registrations() === 0, 'a start with a known hub needs no registration');
  tell('DPS', 'was not asked: the assignment is known');
}

async function reprovision(): Promise<void> {
  story('2. The back end calls the direct method reprovision');
  await far.log.waitFor({ event: 'subscribed', reason: '$iothub/methods/POST/#' }, STEP_MS);
  await call({ id: 'demo-2' });
  await assigned();
  const reported = ({ event, body }: Entry) => event === 'reported' && JSON.stringify(body).includes('demo-2');
  await seen('hub', reported, () => 'gets the outcome in the reported property newleaf');
  must(registrations() === 1, 'exactly one registration');
}

async function roll(): Promise<void> {
  story('3. The back end asks for a roll by direct method: new key, new leaf, same CN');
  await call({ action: 'roll', id: 'demo-3' });
  await seen('CA', { event: 'issued' }, ({ thumbprint }) => `signs ${short(thumbprint)} for the next key`);
  await assigned();
  await connected();
  await twinRead();
  await gateway.settled();
  must(gateway.token.privateKeys().join() === 'newleaf-b', 'the token holds exactly one key, newleaf-b');
  tell('token', 'holds one private key: newleaf-b. The old one was destroyed after the new leaf was proven');
}

async function unauthorized(): Promise<void> {
  story('4. The hub no longer knows the leaf ("unauthorized")');
  await far.forget(device);
  tell('operator', 'deletes the device from the hub');
  await seen('hub1', { event: 'connack', code: 5 }, ({ thumbprint }) => `refuses ${short(thumbprint)} (CONNACK 5)`);
  await assigned();
  await connected();
  await twinRead();
  must(registrations() === 1, 'exactly one registration');
}

async function secondHub(): Promise<void> {
  story('5. DPS assigns another hub');
  await far.assign(device, 'hub2');
  tell('operator', 'moves the device to the second hub');
  await call({ id: 'demo-5' });
  await assigned();
  await connected('hub2');
  await twinRead();
}

try {
  await firstProvisioning();
  await reprovision();
  await roll();
  await unauthorized();
  await secondHub();
  await gateway.settled();
  console.log('\nWhat a technician sees: newleaf status\n');
  const { out, code } = await gateway.command('status');
  console.log(out.trimEnd().replace(/^/gm, '  | '));
  must(code === 0, 'newleaf status ends with 0');
  must((await gateway.status()).hub?.host === hubs.hub2, 'the daemon serves at the second hub');
  console.log('\nAll five stories happened.');
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`);
  console.error(gateway.log.tail());
  console.error(gateway.noise);
  process.exitCode = 1;
} finally {
  await gateway.remove();
  await far.close();
}
