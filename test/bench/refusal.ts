import { measured, type Reading } from './reading.ts';
import { ROUNDS, type Sample, sampleOf } from './rounds.ts';
import { at, type Stand } from './stand.ts';

/** The least pause between two polls: `retry-after=0` would be a hot loop (agent/dps/wire.ts). */
const POLL_MS = 100;

/**
 * From the end of a session to the twin read of the next, where the hub has forgotten the device in between: a refused
 * connect, a registration, a connect, a twin read.
 */
export async function refusal(stand: Stand): Promise<readonly Reading[]> {
  await stand.far.set({ answerAtOnce: true });
  const floor = await raw(stand);
  const gateway = await stand.gateway('refusal');
  // More at once are a defect to the brake, which forgets them at a restart. The first of a process is not measured.
  const anew = async () => {
    await gateway.stop();
    await stand.start(gateway);
    await comeBack();
  };
  const comeBack = async () => {
    const since = gateway.log.lines.length;
    await stand.far.forget(gateway.registrationId);
    await gateway.log.waitFor({ event: 'connected' }, { since });
  };
  const assigned = await timed(stand, gateway.registrationId, comeBack, anew);
  await stand.far.set({ answerAtOnce: false });
  const polled = await timed(stand, gateway.registrationId, comeBack, anew);
  await gateway.stop();
  const name = 'refusal to serving';
  return [
    measured(name, 'ms', assigned, floor),
    { ...measured(`${name}, polled`, 'ms', polled, floor), note: `with the ${POLL_MS} ms of the poll` },
  ];
}

async function raw(stand: Stand): Promise<Sample> {
  const device = await stand.rawDevice();
  const leaf = await device.firstLeaf(stand.far);
  const hub = await device.register(leaf);
  let link = await device.connect(leaf, hub);
  await device.readTwin(link);
  const found = await timed(stand, device.registrationId, async () => {
    await stand.far.forget(device.registrationId);
    await link.closed;
    (await device.connect(leaf, hub)).end();
    link = await device.connect(leaf, await device.register(leaf));
    await device.readTwin(link);
  });
  link.end();
  await device.token.destroy(leaf.key.label, leaf.key.id);
  return found;
}

/** By the clock of the far side. @param anew comes before each run */
async function timed(
  stand: Stand,
  registrationId: string,
  comeBack: () => Promise<void>,
  anew: () => Promise<void> = async () => {},
): Promise<Sample> {
  const found: number[] = [];
  for (let run = 0; run < ROUNDS; run++) {
    await anew();
    await stand.news(registrationId);
    await comeBack();
    const seen = await stand.news(registrationId);
    found.push(at(seen, { event: 'twin' }) - at(seen, { event: 'disconnected', server: 'hub1' }));
  }
  return sampleOf(found);
}
