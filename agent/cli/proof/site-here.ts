import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { closedOn } from '../../config/closed.ts';
import { type Config, instanceOf, type LoadedConfig, x509Of } from '../../config/config.ts';
import { onMissing } from '../../failure/errno.ts';
import { DAEMON, localAccount } from '../../machine/account.ts';
import type { Looking } from '../../machine/as-daemon.ts';
import { readAuthorities, readNamed } from '../../machine/named-file.ts';
import { differenceFrom, recordOf, TMPFILES } from '../../machine/program-directory.ts';
import { roomLeft } from '../../machine/room.ts';
import { networkOf } from '../../network/network.ts';
import { programNames, uplinkDirectory } from '../../state/program-name.ts';
import { readEntry } from '../../state/read-entry.ts';
import { daemonPlace } from '../status/daemon-place.ts';
import { askStatus } from '../status/present.ts';
import { dial } from './dial.ts';
import { once } from './once.ts';
import { serverTime, type TimeServer } from './server-time.ts';
import type { Site } from './site.ts';
import { tokenHere } from './token-here.ts';
import { shownUnit } from './unit-shown.ts';

export interface SiteOptions {
  /** Reads the configuration; asked more than once. */
  readonly config: () => Promise<LoadedConfig>;
  /** The path of the configuration, which may be wrong. */
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  readonly now: number;
  /** The user that this process looks as, and what root has handed over. */
  readonly looking?: Looking;
}

/** A TPM signs in well under a second. */
const TPM_MS = 20_000;

const TO = { read: constants.R_OK, write: constants.W_OK | constants.X_OK, execute: constants.X_OK };

export function siteHere({ config, file, env, now, looking = {} }: SiteOptions): Site {
  const settings = async () => (await config()).config;
  const trust = once(async () => readAuthorities('trust.ca_file', (await settings()).trust.ca_file));
  const entry = once(async () => {
    const { directory } = (await settings()).state;
    await assertReadable(join(directory, 'state.json'));
    return readEntry(directory);
  });
  return {
    now,
    env,
    user: looking.user,
    isStranger: looking.isStranger === true,
    holdsPin: looking.pin !== undefined,
    config,
    entry,
    text: readNamed,
    authorities: readAuthorities,
    mode,
    isOfGroup: async (path) => (await stat(path)).gid === localAccount(DAEMON)?.gid,
    closedOn,
    // With a trailing slash, ENOTDIR tells that it is no directory; root's permission would hide that.
    access: (path, to) => access(to === 'write' ? `${path}/` : path, TO[to]),
    room: roomLeft,
    ...tokenHere({ settings, env, looking, entry, trust }),
    async tlsWay() {
      const { prepareTls } = await import('../../../hsm/tls-way.ts');
      return (await prepareTls(x509Of(await settings()).hsm)) === undefined ? 'engine' : 'helper';
    },
    tpmSigns: once(async () => {
      // A user who may not read the state looks for the key in the TPM.
      const known = await entry().catch((): 'absent' => 'absent');
      return signWithTpm(await settings(), known === 'absent' ? undefined : known.assignment?.key);
    }),
    programs: once(async () => programNames(uplinkDirectory((await settings()).state.directory))),
    async misplaced(program) {
      const { sockets } = (await settings()).uplink;
      return differenceFrom(recordOf(program, sockets, TMPFILES), join(sockets, program));
    },
    status: once(async () => {
      return askStatus(daemonPlace(await settings(), env));
    }),
    async dial(host, ca) {
      const { proxied } = networkOf((await settings()).network);
      return dial(host, ca, undefined, proxied);
    },
    serverTime: once(async () => serverTime(await timeServers(await settings(), await trust()))),
    unit: once(() => shownUnit(instanceOf(file).unit)),
  };
}

const mode = (path: string): Promise<number | 'absent'> =>
  stat(path).then(({ mode }) => mode & 0o777, onMissing('absent' as const));

/** The journal calls a file that it may not read corrupt; here that says nothing about the gateway. */
async function assertReadable(path: string): Promise<void> {
  try {
    await (await open(path)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw error;
  }
}

/** The time comes from the HTTPS servers that newleaf contacts anyway. */
async function timeServers(config: Config, trust: string): Promise<readonly TimeServer[]> {
  const network = networkOf(config.network);
  const server = (url: string, ca: string): TimeServer => ({ url, ca, through: network.through });
  const servers = [server(`https://${config.dps.endpoint}/`, trust)];
  if ('tpm' in config || config.issuer.kind !== 'est') return servers;
  const { url, ca_file } = config.issuer;
  return [...servers, server(url, await readAuthorities('issuer.est.ca_file', ca_file))];
}

/**
 * Makes no keys, unlike `newleaf tpm`: a check changes nothing.
 * @param name of the key that DPS gave last
 * @throws TpmError
 */
async function signWithTpm(config: Config, name: string | undefined): Promise<void> {
  if (!('tpm' in config)) return;
  const [{ createTpm }, { HubKey }] = await Promise.all([
    import('../../../hsm/tpm/tpm.ts'),
    import('../../keys/hub-key.ts'),
  ]);
  const tpm = createTpm(config.tpm.device, { limitMs: TPM_MS });
  try {
    await new HubKey(tpm, config.state.directory).sign(name, Buffer.from('newleaf check'));
  } finally {
    tpm.close();
  }
}
