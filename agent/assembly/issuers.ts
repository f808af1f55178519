import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TlsConnector } from '../../hsm/connector.ts';
import type { IssuerChoice } from '../config/config.ts';
import { Fault } from '../failure/failure.ts';
import type { Log } from '../machine/log.ts';
import type { Network } from '../network/network.ts';
import type { Leaf } from '../roll/leaf.ts';
import type { Issuer } from '../roll/ports.ts';
import { writeAtomically } from '../state/durable.ts';

const EST_DEADLINE_MS = 60_000;

interface IssuerParts {
  readonly registrationId: string;
  /** The state directory. */
  readonly directory: string;
  readonly log: Log;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly current: () => Leaf | undefined;
  readonly network: Pick<Network, 'through'>;
  /** TLS with the current leaf and its key in the token, while it is valid. */
  readonly clientConnector: (ca: string) => Promise<TlsConnector | undefined>;
  /** TLS with a bootstrap key in the token, named by URI. */
  readonly bootstrapConnector: (key: string, chain: string | undefined, ca: string) => Promise<TlsConnector>;
}

/** The issuer that the configuration chose. Its code is loaded when a leaf is needed, to spare an idle daemon the memory. */
export function createIssuer(choice: IssuerChoice, parts: IssuerParts): Issuer {
  switch (choice.kind) {
    case 'est':
      return est(choice, parts);
    case 'command':
      return command(choice, parts);
    default:
      // A person, or the back end over the hub, brings the leaf: it cannot be asked for.
      return {
        async issue() {
          throw new Fault('NL-ISSUER-PERSON');
        },
      };
  }
}

/**
 * Whether the configuration, or a file that the issuer reads, was changed after this moment, in milliseconds. By the time of
 * the inode: `cp -p` and `mv` keep that of the content, and `chmod` may be the cure.
 */
export async function changedSince(file: string, choice: IssuerChoice, since: number): Promise<boolean> {
  const named = Object.values(choice).flat();
  const paths = [file, ...named.filter((one) => typeof one === 'string' && one.startsWith('/'))];
  const times = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        (found) => found.ctimeMs,
        () => 0,
      ),
    ),
  );
  return times.some((at) => at > since);
}

type Command = Extract<IssuerChoice, { kind: 'command' }>;

function command({ argv }: Command, { registrationId, directory, current, log }: IssuerParts): Issuer {
  const file = join(directory, 'command-cookie');
  return {
    async issue(csrPem, abort) {
      const { createCommand } = await import('../issuer/command.ts');
      const program = createCommand({
        argv,
        environment: async () => {
          const leaf = current();
          return { NEWLEAF_REGISTRATION_ID: registrationId, ...(leaf && { NEWLEAF_CERTIFICATE_CHAIN: leaf.chain }) };
        },
        cookies: {
          read: () => readFile(file, 'utf8').catch(() => undefined),
          write: (cookie) => (cookie === undefined ? rm(file, { force: true }) : writeAtomically(file, cookie, 0o600)),
        },
        log: (message) => log.info({ event: 'issuer-says', message }),
      });
      return program.issue(csrPem, abort);
    },
  };
}

type Est = Extract<IssuerChoice, { kind: 'est' }>;

function est(choice: Est, { now, network, clientConnector, bootstrapConnector }: IssuerParts): Issuer {
  const { url, ca_file: caFile, username, password_file: passwordFile } = choice;
  const { bootstrap_cert: certificate, bootstrap_key: key } = choice;
  const bootstrap = certificate !== undefined && key !== undefined ? { certificate, key } : undefined;
  return {
    async issue(csrPem, abort) {
      const [{ createEst }, { bootstrapWith }] = await Promise.all([
        import('../issuer/est.ts'),
        import('../keys/bootstrap.ts'),
      ]);
      const server = createEst({
        url,
        caFile,
        now,
        through: network.through,
        clientConnector,
        ...(bootstrap && {
          bootstrapConnector: (ca) => bootstrapWith(bootstrap, ca, (uri, chain) => bootstrapConnector(uri, chain, ca)),
        }),
        deadlineMs: EST_DEADLINE_MS,
        ...(passwordFile !== undefined && { username, passwordFile }),
      });
      return server.issue(csrPem, abort);
    },
  };
}
