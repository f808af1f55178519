import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { instanceOf, type LoadedConfig } from '../../config/config.ts';
import type { Neighbour } from '../../config/neighbours.ts';
import { type Screen, wrap } from '../kit/screen.ts';
import type { Holding } from './holding.ts';
import { type ProgramLeft, programInWords } from './programs.ts';

export interface Found {
  readonly holding: Holding;
  /** Names in the state directory. */
  readonly files: readonly string[];
  readonly programs: readonly ProgramLeft[];
}

/** The plan, for the person who must agree. */
export function planInWords({ holding, files, programs }: Found, loaded: LoadedConfig, screen: Screen): string {
  const { dps, state } = loaded.config;
  const { registration_id: id } = dps;
  const names = files.length === 0 ? [] : [`${files.join(', ')} in ${state.directory}`];
  const own = [...holding.own, ...programs.map(programInWords), ...names];
  return block(screen, [
    [`This gives up the gateway ${id}. It destroys for good:`, own],
    ['It leaves alone:', [...holding.kept, settingsInWords(filesOf(loaded))]],
    [`After that, none of these can prove to be ${id}, and there is no way back.`, []],
    ...provingInWords(holding, id),
  ]);
}

/** A key of the factory is not newleaf's to destroy. */
function provingInWords(
  { proves, isOnboarding }: Holding,
  id: string,
): readonly (readonly [string, readonly string[]])[] {
  if (proves === undefined) return [];
  const does = isOnboarding
    ? `it gets leaves of ${id} from DPS until DPS no longer takes that`
    : `it proves to be ${id} until DPS and the hub no longer take that`;
  return [
    [
      `But the ${proves} stays: with its certificate ${does}, which the operator sees to, or until the key is destroyed with the tool of the token's vendor.`,
      [],
    ],
  ];
}

/**
 * Things that newleaf leaves to others: on the far side, and files that an operator or root has put here.
 * @param others daemons of this gateway that go on
 */
export function restInWords(
  { holding, programs }: Pick<Found, 'holding' | 'programs'>,
  loaded: LoadedConfig,
  others: readonly Neighbour[],
  screen: Screen,
): string {
  const id = loaded.config.dps.registration_id;
  const userOf = (path: string) => others.find((other) => filesOf(other).includes(path))?.file;
  const files = filesOf(loaded);
  const kept = files.flatMap((path) => {
    const user = userOf(path);
    return user === undefined ? [] : [`but not ${path}: ${user} names it, too`];
  });
  return block(screen, [
    [`${id} is given up. Its state on this gateway is gone, and the keys that belonged to it.`, []],
    ...provingInWords(holding, id),
    [
      'Operator: DPS and IoT Hub still know this device.',
      [
        `scripts/enroll disallow device ${id} (where it has an individual enrollment)`,
        `scripts/enroll disallow member ${id} (where it is in a group)`,
        ...(holding.isOnboarding ? [`scripts/enroll revoke ${id} (the leaves that Azure has issued)`] : []),
        `scripts/enroll forget ${id} (its identity in the hub)`,
      ],
    ],
    [
      'Here, remove what is not needed any more:',
      [
        settingsInWords(files.filter((path) => userOf(path) === undefined)),
        ...kept,
        ...programs.flatMap(({ name, record }) => rest(name, record)),
      ],
    ],
    ['A daemon that is started now ends at once. To keep the unit off: `systemctl disable newleaf`', []],
    ['To use this gateway again: `newleaf init`', []],
  ]);
}

const rest = (name: string, record: string | undefined): readonly string[] =>
  record === undefined ? [] : [`for the socket of ${name}: ${record}`];

const settingsInWords = (files: readonly string[]): string => `the configuration: ${files.join(', ')}`;

/** The configuration, and the files with secrets that it names. */
function filesOf({ file, config }: Neighbour): readonly string[] {
  const proxy = config.network.proxy_password_file;
  if ('tpm' in config) return [file, ...absolute([proxy])];
  const { hsm, issuer } = config;
  const soPin = join(dirname(file), 'so-pin');
  const pins = [hsm.pin_file ?? instanceOf(file).pin, existsSync(soPin) ? soPin : undefined];
  const ofIssuer = issuer.kind === 'est' ? [issuer.password_file, issuer.bootstrap_key] : [];
  return [file, ...absolute([...pins, proxy, ...ofIssuer])];
}

const absolute = (paths: readonly (string | undefined)[]): readonly string[] =>
  paths.flatMap((path) => (path?.startsWith('/') ? [path] : []));

function block(screen: Screen, parts: readonly (readonly [text: string, list: readonly string[]])[]): string {
  const lines = parts.flatMap(([text, list]) => [
    ...wrap(screen, text),
    ...list.flatMap((one) => wrap(screen, one, { first: '  ', rest: '    ' })),
  ]);
  return `${lines.join('\n')}\n`;
}
