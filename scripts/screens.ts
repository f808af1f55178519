import { hostname } from 'node:os';
import { Stage } from '../test/e2e/init/stage.ts';
import { insideNetworkNamespace } from '../test/namespace.ts';
import { type Parts, renewBlocks, writeBlocks } from './pages/blocks.ts';
import { ShownGateway } from './screens/gateway.ts';
import { Lasting } from './screens/lasting.ts';

export const BY = 'scripts/screens.ts';
const DAY = 24 * 3_600_000;
const ID = 'gw-0001';

/** Leaves of 90 days that are 30 days old, so that the bar shows something. */
const POLICY = { lifetimeMs: 60 * DAY, backdateMs: 30 * DAY, serial: '5a0102030405060708090a0b0c0d0e0f' };

/**
 * Every screen of the pages, by the name in its markers: the real program, on a machine with SoftHSM, against the simulator.
 * Values that differ from run to run are replaced. Needs root, and a network namespace.
 */
export async function screens(): Promise<Readonly<Record<string, string>>> {
  const stage = await Stage.open();
  const { far, machine } = stage;
  const gateway = new ShownGateway(machine);
  const lasting = new Lasting({ ...portsOf(far.endpoints), [`[${hostname()}]`]: '[gateway]' });
  const shown: Record<string, string> = {};
  const show = async (name: string, screen: Promise<string>, durations: readonly string[] = []) => {
    shown[name] = lasting.of(await screen, Date.now(), durations);
  };
  try {
    await far.setPolicy(POLICY);
    await show('init', initScreen(stage, gateway), ['0.00', '0.05', '0.50', '0.70', '0.80']);
    gateway.start();
    await gateway.until(({ online }) => online);
    await show('roll', gateway.shows('newleaf roll --wait', 0), ['0.05', '0.45', '0.20', '0.10', '0.80']);
    await gateway.until(({ phase, online }) => online && phase === 'serving');
    await show('status', gateway.shows('newleaf status', 0));
    await show('check', gateway.shows('newleaf check', 0));

    await far.enrollIndividual({ registrationId: ID, primary: machine.sh('cat /var/lib/newleaf/leaf.pem') });
    machine.sh('newleaf roll');
    await gateway.until(({ next, phase }) => next?.standing === 'parked' && phase === 'serving');
    await show('parked', gateway.shows('newleaf status', 4));

    await far.setStatus(ID, 'disabled');
    await far.forget(ID);
    await gateway.until(({ phase, request }) => phase === 'stranded' && request === undefined);
    await show('stranded', gateway.shows('newleaf status', 4));
    return shown;
  } finally {
    await gateway.stop();
    await stage.close();
  }
}

async function initScreen(stage: Stage, gateway: ShownGateway): Promise<string> {
  const person = stage.person(gateway.owner);
  for (const [question, answer] of stage.answers) await person.answers(question, answer);
  await person.ends(0);
  return `$ sudo newleaf init\n${person.transcript}`;
}

/** The shown names: a port of five digits for each server, so that lines break at the same places. */
function portsOf({ dps, hub1, hub2, est }: Stage['far']['endpoints']): Readonly<Record<string, string>> {
  const port = (host: string) => /:(\d+)/.exec(host.replace(/^https?:/, ''))?.[1] ?? '';
  return { [port(dps)]: '50001', [port(hub1)]: '50002', [port(hub2)]: '50003', [port(est)]: '50004' };
}

const partsOf = (shown: Readonly<Record<string, string>>): Parts =>
  Object.fromEntries(
    Object.entries(shown).map(([name, screen]) => [name, () => `\`\`\`text\n${screen.trim()}\n\`\`\``]),
  );

/** A page with its screens taken anew. */
export const renewScreens = (text: string, shown: Readonly<Record<string, string>>): string =>
  renewBlocks(text, BY, partsOf(shown));

if (process.argv[1] === import.meta.filename && insideNetworkNamespace(import.meta.filename)) {
  writeBlocks(BY, partsOf(await screens()));
}
