import { Misuse, textOption } from '../../agent/cli/kit/command.ts';
import type { Call } from './command.ts';

const SERVICES = { dps: 'DPS', hub: 'the hub' } as const;
type Service = keyof typeof SERVICES;

const FIELDS = ['HostName=', 'SharedAccessKeyName=', 'SharedAccessKey='];

const variableOf = (to: Service): string => `NEWLEAF_${to.toUpperCase()}_CONNECTION`;

/** The connection string, from option or environment. */
export const connectionTo = (call: Call, to: Service): string | undefined =>
  textOption(call, to) ?? call.desk.env[variableOf(to)];

/**
 * A client from a connection string, which is a secret and never shown.
 * @throws Misuse where there is none, or it is malformed
 */
export function connected<T>(call: Call, to: Service, open: (text: string) => T): T {
  const text = connectionTo(call, to);
  const where = `--${to} or ${variableOf(to)}`;
  if (text === undefined || text === '') {
    throw new Misuse(`The connection string of ${SERVICES[to]} is missing: ${where}.`);
  }
  if (!FIELDS.every((field) => text.split(';').some((part) => part.startsWith(field)))) {
    throw new Misuse(`The connection string of ${SERVICES[to]} (${where}) must hold ${FIELDS.join('…;')}…`);
  }
  return open(text);
}
