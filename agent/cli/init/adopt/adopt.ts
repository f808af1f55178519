import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault } from '../../../failure/failure.ts';
import type { Guide } from '../guide.ts';
import { Interrupted } from '../prompt.ts';
import { keepSecret } from '../take-over.ts';
import type { Adopted } from './adopted.ts';
import { type Addition, AZIOT, CORRECT, type Incumbent, incumbentIn } from './aziot.ts';
import { commandsOf, toStop } from './incumbent.ts';
import { commonNameIn, leafOf, privateKeyIn, readAdopted, readChain } from './pair.ts';

/**
 * Reads what is to be taken over, and says what cannot be: until the person agrees, nothing is written. Its settings are
 * answers as if they stood on the command line.
 * @param flags those of the command line, which win
 * @returns undefined where a new gateway is set up
 * @throws Fault; Interrupted where the person does not agree
 */
export async function adopt(guide: Guide, flags: Map<string, string>): Promise<Adopted | undefined> {
  const { dialogue, leaf } = guide;
  const from = flags.get('adopt');
  if (from === undefined) {
    if (flags.has('adopt-key')) {
      throw new Fault('NL-CONFIG', { message: '--adopt-key needs its leaf.', advice: 'Add: --adopt LEAF' });
    }
    return undefined;
  }
  if (leaf !== undefined) {
    dialogue.say('This gateway has a leaf already: --adopt changes nothing.');
    return undefined;
  }
  const isInFile = from !== 'token' && from !== 'aziot';
  if (!isInFile && flags.has('adopt-key')) {
    const message = `--adopt-key is the key of a leaf in a file: --adopt ${from} finds the key by itself.`;
    throw new Fault('NL-CONFIG', {
      message,
      advice: `Leave one out: --adopt LEAF --adopt-key KEY, or --adopt ${from}`,
    });
  }
  if (from === 'token') return {};
  return from === 'aziot' ? fromAziot(guide, flags) : fromFiles(flags, from, flags.get('adopt-key') ?? from);
}

async function fromFiles(flags: Map<string, string>, leaf: string, keyFile: string): Promise<Adopted> {
  const chain = await readChain(leaf, 'leaf');
  const object = privateKeyIn(await readAdopted(keyFile, 'key'), keyFile);
  const cn = flags.get('registration-id') ?? commonNameIn(chain) ?? '';
  leafOf(chain, object, cn, { leaf, key: keyFile });
  propose(flags, [['registration-id', cn]]);
  return { chain, key: { file: keyFile, object } };
}

async function fromAziot(guide: Guide, flags: Map<string, string>): Promise<Adopted> {
  const { answers, dialogue } = guide;
  if (!existsSync(AZIOT)) {
    const message = `There is no ${AZIOT}: newleaf reads no other configuration of aziot-identity-service.`;
    throw new Fault('NL-CONFIG', { message, advice: '`newleaf init --adopt LEAF --adopt-key KEY`, with its files' });
  }
  const found = incumbentIn(await readAdopted(AZIOT, 'configuration'), additions());
  const payload = found.payload === undefined ? undefined : await payloadIn(found.payload);
  const identity = await identityOf(found, flags);
  tell(guide, found);
  const isEasy = found.lost.length === 0;
  if (dialogue.asks && !(await dialogue.confirm('Take it over?', isEasy).catch(toStop))) throw new Interrupted();
  propose(flags, [...found.flags]);
  if (payload !== undefined) answers.set('dps.payload', payload);
  if (found.estPassword !== undefined && !flags.has('est-password-file')) {
    flags.set('est-password-file', await keepSecret(guide, { name: 'est-password' }, found.estPassword));
  }
  return { ...identity, pin: found.pin, aziot: found };
}

async function identityOf({ leaf, key, flags: found }: Incumbent, flags: Map<string, string>): Promise<Adopted> {
  if (key === undefined) return {};
  const chain = leaf === undefined ? undefined : await readChain(leaf, 'leaf of aziot-identity-service');
  const named = flags.get('registration-id') ?? found.get('registration-id');
  const cn = named ?? (chain && commonNameIn(chain)) ?? '';
  propose(flags, [['registration-id', cn]]);
  if ('uri' in key) return { chain, uri: key.uri };
  const object = privateKeyIn(await readAdopted(key.file, 'key of aziot-identity-service'), key.file);
  if (chain !== undefined) leafOf(chain, object, cn, { leaf: leaf ?? '', key: key.file });
  return { chain, key: { file: key.file, object } };
}

function tell({ dialogue }: Guide, { flags, leaf, key, lost, isEdge }: Incumbent): void {
  dialogue.title(`What ${isEdge ? 'IoT Edge' : 'aziot-identity-service'} has here, in ${AZIOT}`);
  for (const [flag, value] of flags) dialogue.item('-', `${flag}: ${value}`);
  if (leaf !== undefined) dialogue.item('-', `leaf: ${leaf}`);
  if (key !== undefined) {
    const where = 'uri' in key ? `${key.uri}: used, and never destroyed` : `${key.file}: a copy goes into the token`;
    dialogue.item('-', `key: ${where}`);
  }
  if (lost.length > 0) {
    dialogue.blank();
    dialogue.say('newleaf does not take over:');
    for (const words of lost) dialogue.item('!!', words);
  }
  dialogue.blank();
  dialogue.say(
    'Nothing is changed there. Until the first roll is proven, the way back works: stop newleaf, and start it again.',
  );
  dialogue.commands(commandsOf({ isEdge }).back);
  dialogue.blank();
}

function propose(flags: Map<string, string>, found: readonly (readonly [flag: string, value: string])[]): void {
  for (const [flag, value] of found) if (value !== '' && !flags.has(flag)) flags.set(flag, value);
}

/** Principals and settings that were added to its daemons by hand. */
function additions(): readonly Addition[] {
  return ['identityd', 'certd', 'keyd'].flatMap((daemon) => {
    const directory = join(dirname(AZIOT), daemon, 'config.d');
    if (!existsSync(directory)) return [];
    // `config apply` writes the first from config.toml; its principals are the daemons.
    const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    const names = files.map(({ name }) => name).filter((name) => name.endsWith('.toml') && name !== '00-super.toml');
    return names.map((name) => ({ file: join(directory, name), text: readFileSync(join(directory, name), 'utf8') }));
  });
}

async function payloadIn(file: string) {
  const text = await readAdopted(file, 'payload for DPS');
  try {
    const payload: unknown = JSON.parse(Buffer.from(text, 'latin1').toString());
    if (typeof payload === 'object' && payload !== null && !Array.isArray(payload))
      return payload as Record<string, string>;
  } catch {
    // Said below.
  }
  const message = `${file}, which DPS is told, is no JSON object. Nothing was touched.`;
  throw new Fault('NL-CONFIG', { message, advice: CORRECT });
}
