import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { instanceOf, type LoadedConfig, type X509Config } from '../../config/config.ts';
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
    ['It leaves alone:', [...holding.kept, settingsOf(loaded)]],
    [`After that, nothing on this gateway can prove to be ${id}, and there is no way back.`, []],
  ]);
}

/** Things that newleaf leaves to others: on the far side, and files that an operator or root has put here. */
export function restInWords(programs: readonly ProgramLeft[], loaded: LoadedConfig, screen: Screen): string {
  const id = loaded.config.dps.registration_id;
  return block(screen, [
    [`${id} is given up. Its keys and its state on this gateway are gone.`, []],
    [
      'Operator: DPS and IoT Hub still know this device.',
      [
        `scripts/enroll disallow device ${id} (where it has an individual enrollment)`,
        `scripts/enroll disallow member ${id} (where it is in a group)`,
        `scripts/enroll forget ${id} (its identity in the hub)`,
      ],
    ],
    [
      'Here, remove what is not needed any more:',
      [settingsOf(loaded), ...programs.flatMap(({ name, record }) => rest(name, record))],
    ],
    ['A daemon that is started now ends at once. To keep the unit off: `systemctl disable newleaf`', []],
    ['To use this gateway again: `newleaf init`', []],
  ]);
}

const rest = (name: string, record: string | undefined): readonly string[] =>
  record === undefined ? [] : [`for the socket of ${name}: ${record}`];

function settingsOf({ file, config }: LoadedConfig): string {
  return `the configuration: ${[file, ...('tpm' in config ? [] : secretFiles(file, config))].join(', ')}`;
}

function secretFiles(file: string, { hsm, issuer }: X509Config): readonly string[] {
  const ofIssuer = issuer.kind === 'est' ? [issuer.password_file, issuer.bootstrap_key] : [];
  const pins = [
    hsm.pin_file ?? instanceOf(file).pin,
    ...[join(dirname(file), 'so-pin')].filter((path) => existsSync(path)),
  ];
  return [...pins, ...ofIssuer].flatMap((path) => (path?.startsWith('/') ? [path] : []));
}

function block(screen: Screen, parts: readonly (readonly [text: string, list: readonly string[]])[]): string {
  const lines = parts.flatMap(([text, list]) => [
    ...wrap(screen, text),
    ...list.flatMap((one) => wrap(screen, one, { first: '  ', rest: '    ' })),
  ]);
  return `${lines.join('\n')}\n`;
}
