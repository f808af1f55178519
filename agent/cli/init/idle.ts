import { knownToken } from '../../../hsm/known-token.ts';
import { formatUri } from '../../../hsm/uri.ts';
import { type Advice, another, inBoth } from '../../failure/advice.ts';
import { Fault } from '../../failure/failure.ts';
import { isStranger } from '../../machine/as-daemon.ts';
import { isEndorsed } from '../../roll/leaf.ts';
import { iso } from '../../roll/report.ts';
import { INIT_LOCK, takeLock } from '../../state/lock.ts';
import { readEntry } from '../../state/read-entry.ts';
import { daemonOn } from '../status/present.ts';
import { type Guide, misconfigured } from './guide.ts';

/**
 * Makes sure that no daemon runs: two of them would fight for the token and the state.
 * @throws Fault NL-DAEMON-RUNS, also where this user may not ask; NL-CONTROL-BUSY
 */
export async function demandIdle(socket: string, directory: string): Promise<void> {
  const found = await daemonOn({ socket, directory });
  if (found === undefined) return;
  if (!(found instanceof Fault)) {
    const { words, next } = found;
    const again = next?.standing === 'parked' && next.leaf === undefined ? AGAIN : undefined;
    throw runs(`The daemon runs already (${words}), and init leaves it alone.`, again);
  }
  const { code } = found.failure;
  if (code === 'NL-CONTROL-DENIED') throw runs('The daemon runs already, and this user may not ask it.');
  // In another container the daemon has a socket that is not here, and the same lock.
  throw code === 'NL-CONTROL-GONE' ? runs(`Another newleaf already runs on ${directory}.`) : found;
}

/**
 * Makes sure that no other init works on this state, until the process ends.
 * @returns what does it, once
 * @throws Fault NL-DAEMON-RUNS; NL-STATE-WRITE
 */
export function onceAlone(): (directory: string) => Promise<unknown> {
  let taken: Promise<unknown> | undefined;
  return (directory) => {
    taken ??= takeLock(directory, INIT_LOCK, {
      message: `Another init runs on ${directory}. This one has touched nothing.`,
      advice: 'Go on there; or end it there (Ctrl-C), and then: `newleaf init`',
    });
    return taken;
  };
}

/** Only root may set up the daemon of this machine. A file elsewhere is for the caller's own experiments. @throws Fault NL-CONFIG */
export function demandRoot(file: string, directory: string): void {
  if (!isStranger(file, { state: { directory } })) return;
  const advice = '`newleaf init`; or an experiment of your own: `newleaf init --config FILE`';
  throw misconfigured('Only root can set up the daemon of this gateway.', advice);
}

const AGAIN = another((how) => `To have newleaf ask its issuer again at once: ${how}. `);

function runs(message: string, first: Advice = { advice: '' }): Fault {
  const also =
    'To see its status: `newleaf status`. To change the configuration: `systemctl stop newleaf`, `newleaf init --ask`, `systemctl start newleaf`';
  return new Fault('NL-DAEMON-RUNS', { message, ...inBoth(first, (told) => `${told}${also}`) });
}

/** A leaf, and the registration that it was accepted for last. A state that cannot be read is met when the daemon starts. */
export async function recordedIn(directory: string) {
  const entry = await readEntry(directory).catch(() => 'absent' as const);
  const { current, next, registered } = entry === 'absent' ? {} : entry;
  return { leaf: current ?? next?.leaf, registered };
}

/**
 * The configuration is lost, and the state is there: what it says stands in brackets, or is taken.
 * @returns the URI of the token with the key of the leaf; undefined where nothing is lost
 * @throws Fault NL-CONFIG where the state is that of another gateway than the one of the options
 */
export async function leftOver(
  { answers, dialogue, flags }: Pick<Guide, 'answers' | 'dialogue' | 'flags'>,
  { leaf, registered = '' }: Partial<Awaited<ReturnType<typeof recordedIn>>>,
): Promise<string | undefined> {
  if (leaf === undefined || isEndorsed(leaf) || answers.get('hsm.module') !== undefined) return undefined;
  const words = `CN ${leaf.cn}, issued by ${leaf.issuer}, valid until ${iso(leaf.notAfter)}`;
  const directory = answers.inEffect('state.directory');
  const wanted = flags.get('registration-id') ?? leaf.cn;
  if (wanted !== leaf.cn) {
    throw misconfigured(
      `${directory} has the state of another gateway: ${leaf.cn}, with a leaf (${words}). --registration-id says ${wanted}.`,
      `To go on as ${leaf.cn}, leave --registration-id away. To begin anew as ${wanted}, move ${directory} away.`,
    );
  }
  const [, scope, id = leaf.cn, endpoint] = /^([^/]+)\/(.+)@([^@]+)$/.exec(registered) ?? [];
  const said = { 'dps.id_scope': scope, 'dps.registration_id': id, 'dps.endpoint': endpoint };
  for (const [name, value] of Object.entries(said)) answers.set(name, answers.get(name) ?? value);
  const token = await knownToken(directory);
  const uri = token && formatUri(token);
  const place = uri === undefined ? '' : ` Its key is in the token ${uri}.`;
  dialogue.say(`The configuration is lost, and there is a leaf: ${words}.${place} The gateway goes on with it.`);
  return uri;
}
