import type { TokenCredential } from '@azure/identity';
import { Misuse, textOption } from '../../agent/cli/kit/command.ts';
import type { Call } from './command.ts';
import { login } from './login.ts';

const SERVICES = { dps: 'DPS', hub: 'the hub' } as const;
type Service = keyof typeof SERVICES;

/** The two ways in, by the names that the official clients have for them. */
interface Client<T> {
  fromConnectionString(text: string): T;
  fromTokenCredential(host: string, credential: TokenCredential): T;
}

/** Their names in every cloud of Azure: each answers the requests of the other as if there were no such device. */
const HOSTS = { dps: /\.azure-devices-provisioning\./i, hub: /\.azure-devices\./i } as const;
const FIELDS = ['HostName=', 'SharedAccessKeyName=', 'SharedAccessKey='];
/** A key is never taken for one: Base64 has no dot. */
const HOST = /^[\w-]+(\.[\w-]+)+(:\d+)?$/;

const variableOf = (to: Service): string => `NEWLEAF_${to.toUpperCase()}_CONNECTION`;

/** The connection string or the host, from option or environment. */
export const connectionTo = (call: Call, to: Service): string | undefined =>
  textOption(call, to) ?? call.desk.env[variableOf(to)];

/** The name of the server. Empty where no connection is given, which `connecting` refuses. */
export function hostOf(call: Call, to: Service): string {
  const text = connectionTo(call, to) ?? '';
  const [, host = text] = /(?:^|;)HostName=([^;]*)/.exec(text) ?? [];
  return host.toLowerCase();
}

/**
 * How to make the clients of a server: by a connection string, which is a secret and never shown, or by a login to Entra ID
 * where only its host is given.
 * @throws Misuse where there is neither
 */
export async function connecting(call: Call, to: Service): Promise<<T>(client: Client<T>) => T> {
  const text = connectionTo(call, to);
  const where = `--${to} or ${variableOf(to)}`;
  if (text === undefined || text === '') {
    throw new Misuse(
      `The connection string of ${SERVICES[to]} is missing: ${where} (or its host, after \`az login\`).`,
    );
  }
  const other = to === 'dps' ? 'hub' : 'dps';
  if (HOSTS[other].test(text)) throw new Misuse(`${where} is that of ${SERVICES[other]}, not of ${SERVICES[to]}.`);
  if (HOST.test(text)) {
    const credential = await login(call.desk);
    return (client) => client.fromTokenCredential(text, credential);
  }
  if (!FIELDS.every((field) => text.split(';').some((part) => part.startsWith(field)))) {
    throw new Misuse(
      `The connection string of ${SERVICES[to]} (${where}) must hold ${FIELDS.join('…;')}…, or be a host name alone.`,
    );
  }
  return (client) => client.fromConnectionString(text);
}
