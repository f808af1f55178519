import { knownToken } from '../../../hsm/known-token.ts';
import { formatUri } from '../../../hsm/uri.ts';
import { Fault } from '../../failure/failure.ts';
import { leafIn } from '../../roll/candidate.ts';
import { isEndorsed, type Leaf } from '../../roll/leaf.ts';
import { iso } from '../../roll/report.ts';
import { readEntry } from '../../state/read-entry.ts';
import type { Guide } from './guide.ts';

/** A leaf, and the registration that it was accepted for last: `termsOf` of agent/config/terms.ts. */
interface Recorded {
  readonly leaf: Leaf | undefined;
  readonly registered?: string | undefined;
}

/** A state that cannot be read is met when the daemon starts. */
export async function recordedIn(directory: string): Promise<Recorded> {
  const entry = await readEntry(directory).catch(() => 'absent' as const);
  if (entry === 'absent') return { leaf: undefined };
  return { leaf: entry.current ?? leafIn(entry.next), registered: entry.registered };
}

/**
 * The configuration is lost, and the state is there: what it says stands in brackets, or is taken.
 * @returns the URI of the token with the key of the leaf; undefined where nothing is lost
 * @throws Fault NL-CONFIG where the state is that of another gateway than the one of the options
 */
export async function leftOver(
  { answers, dialogue, flag }: Pick<Guide, 'answers' | 'dialogue' | 'flag'>,
  { leaf, registered = '' }: Recorded,
): Promise<string | undefined> {
  if (leaf === undefined || isEndorsed(leaf) || answers.get('hsm.module') !== undefined) return undefined;
  const words = `CN ${leaf.cn}, issued by ${leaf.issuer}, valid until ${iso(leaf.notAfter)}`;
  const directory = answers.inEffect('state.directory');
  const wanted = flag('registration-id') ?? leaf.cn;
  if (wanted !== leaf.cn) {
    throw new Fault('NL-CONFIG', {
      message: `${directory} has the state of another gateway: ${leaf.cn}, with a leaf (${words}). --registration-id says ${wanted}.`,
      advice: `To go on as ${leaf.cn}, leave --registration-id away. To begin anew as ${wanted}, move ${directory} away.`,
    });
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
