import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Interrupted } from '../../kit/prompt.ts';
import { keepSecret } from '../copies.ts';
import { onBack } from '../dialogue.ts';
import { type Adopted, type Guide, misconfigured } from '../guide.ts';
import { type Addition, AZIOT, CORRECT, type Incumbent, incumbentIn } from './aziot.ts';
import { chainIn, commonNameIn, keyIn, leafOf, readAdopted, refusal } from './pair.ts';

/**
 * Reads what is to be taken over, and says what cannot be: until the person agrees, nothing is written. Its settings are
 * answers as if they stood on the command line, which wins.
 * @returns undefined where a new gateway is set up
 * @throws Fault; Interrupted where the person does not agree
 */
export async function adopt(guide: Guide): Promise<Adopted | undefined> {
  const { dialogue, flags } = guide;
  const from = flags.get('adopt');
  const keyFile = flags.get('adopt-key');
  if (from === undefined) {
    if (keyFile === undefined) return undefined;
    throw misconfigured('--adopt-key needs its leaf.', 'Add: --adopt LEAF');
  }
  if (guide.leaf !== undefined) {
    dialogue.say('This gateway has a leaf already: --adopt changes nothing.');
    return undefined;
  }
  const isInFile = from !== 'token' && from !== 'aziot';
  if (isInFile) return identityOf(guide, { leaf: from, key: { file: keyFile ?? from } });
  if (keyFile !== undefined) {
    const message = `--adopt-key is the key of a leaf in a file: --adopt ${from} finds the key by itself.`;
    const advice = `Leave one out: --adopt LEAF --adopt-key KEY, or --adopt ${from}`;
    throw misconfigured(message, advice);
  }
  return from === 'aziot' ? fromAziot(guide) : {};
}

async function fromAziot(guide: Guide): Promise<Adopted> {
  const { answers, dialogue, flags, env } = guide;
  if (!existsSync(AZIOT)) {
    const message = `There is no ${AZIOT}: newleaf reads no other configuration of aziot-identity-service.`;
    throw misconfigured(message, '`newleaf init --adopt LEAF --adopt-key KEY`, with its files');
  }
  const found = incumbentIn(readAdopted(AZIOT, 'configuration', env), additions());
  const payload = found.payload === undefined ? undefined : payloadIn(found.payload, env);
  for (const [flag, value] of found.flags) flags.propose(flag, value);
  const identity = await identityOf(guide, found, ' of aziot-identity-service');
  tell(guide, found);
  const isEasy = found.lost.length === 0;
  if (dialogue.asks && !(await dialogue.confirm('Take it over?', isEasy).catch(toStop))) throw new Interrupted();
  if (payload !== undefined) answers.set('dps.payload', payload);
  if (found.estPassword !== undefined && !flags.has('est-password-file'))
    flags.set('est-password-file', await keepSecret(guide, { name: 'est-password' }, found.estPassword));
  return { ...identity, pin: found.pin, aziot: found };
}

/** The pair fits, as far as both halves can be read. @param of the program that had it, for a refusal */
async function identityOf(
  { flags, env }: Guide,
  { leaf, key }: Pick<Incumbent, 'leaf' | 'key'>,
  of = '',
): Promise<Adopted> {
  if (key === undefined) return {};
  const read = (path: string, half: string) => readAdopted(path, `${half}${of}`, env);
  const chain = leaf === undefined ? undefined : await chainIn(leaf, `leaf${of}`, read(leaf, 'leaf'));
  const inFile = key.file === undefined ? undefined : keyIn(key.file, read(key.file, 'key'));
  const cn = flags.get('registration-id') ?? (chain && commonNameIn(chain)) ?? '';
  flags.propose('registration-id', cn);
  if (chain !== undefined && inFile !== undefined) leafOf(chain, inFile, cn, leaf ?? '');
  return { chain, key: inFile, uri: key.uri };
}

function tell({ dialogue }: Guide, { flags, leaf, key, lost, isEdge }: Incumbent): void {
  dialogue.title(`What ${isEdge ? 'IoT Edge' : 'aziot-identity-service'} has here, in ${AZIOT}`);
  for (const [flag, value] of flags) dialogue.item('-', `${flag}: ${value}`);
  if (leaf !== undefined) dialogue.item('-', `leaf: ${leaf}`);
  if (key?.uri !== undefined) dialogue.item('-', `key: ${key.uri}: used, and never destroyed`);
  if (key?.file !== undefined) dialogue.item('-', `key: ${key.file}: a copy goes into the token`);
  if (lost.length > 0) {
    dialogue.paragraph('newleaf does not take over:');
    for (const words of lost) dialogue.item('!!', words);
  }
  dialogue.paragraph(
    'Nothing is changed there. Until the first roll is proven, the way back works: stop newleaf, and start it again.',
  );
  dialogue.commands(commandsOf({ isEdge }).back);
  dialogue.blank();
}

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

function payloadIn(file: string, env: Guide['env']): Record<string, string> {
  const text = readAdopted(file, 'payload for DPS', env);
  try {
    const payload: unknown = JSON.parse(Buffer.from(text, 'latin1').toString());
    if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) return { ...payload };
  } catch {
    // Said below.
  }
  throw refusal(`${file}, which DPS is told, is no JSON object.`, CORRECT);
}

const UNITS = ['aziot-edged', 'aziot-identityd'];

const TIME_LIMIT_MS = 10_000;

/**
 * The words of its own documentation. Masked, as each start registers the leaf that it had with DPS: the hub would then refuse
 * the leaf of newleaf.
 */
function commandsOf({ isEdge }: { readonly isEdge: boolean }) {
  const tool = isEdge ? 'iotedge' : 'aziotctl';
  const units = (isEdge ? UNITS : UNITS.slice(1)).join(' ');
  return {
    stop: [`sudo ${tool} system stop`, `sudo systemctl mask ${units}`],
    back: ['sudo systemctl disable --now newleaf', `sudo systemctl unmask ${units}`, `sudo ${tool} system restart`],
  };
}

/**
 * Waits until the program that was here has stopped: the hub admits one session for a device, and the two would end that of
 * each other. Everything else is done by now, so the gateway is without a session for seconds.
 * @throws Fault NL-CONFIG where there is no terminal
 */
export async function demandStopped({ adopted, dialogue }: Guide): Promise<void> {
  if (adopted === undefined) return;
  const { aziot } = adopted;
  const stop = aziot === undefined ? [] : commandsOf(aziot).stop;
  for (;;) {
    const names = aziot === undefined ? '' : runningUnits().join(' and ');
    if (!dialogue.asks && names !== '') {
      throw misconfigured(
        `${names} still runs, with the same identity. Everything is ready, and the cloud was not asked yet.`,
        `${stop.map((line) => `\`${line}\``).join(', ')}. Then run the same \`newleaf init\` again.`,
      );
    }
    if (!dialogue.asks || (aziot !== undefined && names === '')) return;
    const unknown = 'Now stop the program that has used this identity: the hub admits one session.';
    dialogue.paragraph(aziot === undefined ? unknown : `Now stop ${names}, in another terminal:`);
    dialogue.commands(stop);
    if ((await dialogue.confirm('Is it stopped?', true).catch(toStop)) && aziot === undefined) return;
  }
}

/** There is no question before this one that could be asked again. */
const toStop = onBack((): never => {
  throw new Interrupted();
});

const runningUnits = (): readonly string[] =>
  UNITS.filter((unit) => {
    const { stdout } = spawnSync('systemctl', ['is-active', unit], { encoding: 'utf8', timeout: TIME_LIMIT_MS });
    return /^(active|activating|reloading)$/m.test(stdout ?? '');
  });
