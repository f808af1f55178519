import { type Screen, wrap } from '../cli/screen.ts';
import type { X509Config } from '../config.ts';
import type { KeysFound } from './keys.ts';

export interface Found {
  readonly keys: KeysFound;
  /** Names in the state directory. */
  readonly files: readonly string[];
}

/** What is going to happen, for the person who must agree. */
export function planInWords({ keys, files }: Found, config: X509Config, file: string, screen: Screen): string {
  const { dps, hsm, state } = config;
  const token = `token ${JSON.stringify(hsm.token ?? hsm.uri)}`;
  const own = keys.own.map(({ label, id }) => `key ${label} (id ${id}) in ${token}, with its certificate`);
  const names = files.length === 0 ? [] : [`${files.join(', ')} in ${state.directory}`];
  return block(screen, [
    [`This gives up the gateway ${dps.registration_id}. It destroys for good:`, own.concat(names)],
    [
      'It leaves alone:',
      [...keys.kept.map(({ label, why }) => `key ${label} in ${token}: ${why}`), settingsOf(config, file)],
    ],
    [`After that, nothing on this gateway can prove to be ${dps.registration_id}, and there is no way back.`, []],
  ]);
}

/** What newleaf cannot do: what stands on the far side, and what an operator has put here. */
export function restInWords(config: X509Config, file: string, screen: Screen): string {
  const id = config.dps.registration_id;
  return block(screen, [
    [`${id} is given up. What newleaf made on this gateway is gone.`, []],
    [
      'Operator: DPS and IoT Hub still know this device.',
      [
        `scripts/enroll disallow device ${id} (where it has an individual enrollment)`,
        `scripts/enroll disallow member ${id} (where it is in a group)`,
        `scripts/enroll forget ${id} (its identity in the hub)`,
      ],
    ],
    ['Here, remove what is not needed any more:', [settingsOf(config, file)]],
    ['A daemon that is started now begins anew. If the unit is still enabled: systemctl disable newleaf', []],
  ]);
}

function settingsOf({ hsm, issuer }: X509Config, file: string): string {
  const secrets = issuer.kind === 'est' ? [issuer.password_file, issuer.bootstrap_key] : [];
  const others = [hsm.pin_file, ...secrets].filter((path) => path?.startsWith('/'));
  return `the configuration: ${[file, ...others].join(', ')}`;
}

function block(screen: Screen, parts: readonly (readonly [text: string, list: readonly string[]])[]): string {
  const lines = parts.flatMap(([text, list]) => [
    ...wrap(screen, text),
    ...list.flatMap((one) => wrap(screen, one, { first: '  ', rest: '    ' })),
  ]);
  return `${lines.join('\n')}\n`;
}
