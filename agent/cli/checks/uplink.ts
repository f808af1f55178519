import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { CODES } from '../../failure/failure.ts';
import { volumeOfPrograms } from '../../machine/contained.ts';
import { fromNow } from '../moment.ts';
import { Unreached } from '../proof/dial.ts';
import type { Site } from '../proof/site.ts';
import type { ProgramTold, UplinkTold } from '../uplink/told.ts';
import { bytesInWords, isLasting, throttledInWords, troublesOf } from '../uplink/words.ts';
import { type Check, type Finding, failed, obstacleAt, ok, skipped, warning } from './check.ts';

/** Where a queue is that full, a person should look before messages are refused. */
const SCARCE = 0.8;
/** Half of what may wait for a program (uplink/serving.ts). */
const INBOX_SCARCE = 2 * 1024 * 1024;
const SOON_MS = 90 * 86_400_000;
const GROUP_ENTERS = 0o010;
const AGAIN = '`systemctl restart newleaf`';

const uplink: Check = {
  id: 'uplink',
  describes: 'Programs of this gateway send through newleaf.',
  needs: ['configuration'],
  async look(site) {
    const names = await site.programs();
    if (names.length === 0) return skipped('No program of this gateway sends through newleaf.');
    return ok(`${names.length === 1 ? 'One program sends' : `${names.length} programs send`}: ${names.join(', ')}.`);
  },
};

const uplinkSockets: Check = {
  id: 'uplink-sockets',
  describes: 'The daemon can make the sockets of the programs.',
  under: 'uplink',
  needs: ['uplink'],
  async look(site) {
    const { sockets } = (await site.config()).config.uplink;
    if ((await site.mode(sockets)) === 'absent') {
      const advice = volumeOfPrograms(site.env) ?? `\`systemd-tmpfiles --create\`, ${AGAIN}`;
      return failed('NL-UPLINK-SOCKET', `There is no ${sockets}.`, advice);
    }
    const remount = volumeOfPrograms(site.env) ?? 'Mount it for writing, or name another place: uplink.sockets.';
    const give = (user: string, directory: string) => `\`chown ${user} ${directory}\``;
    const how = { code: 'NL-UPLINK-SOCKET', remount, give } as const;
    const obstacle = await obstacleAt(site, sockets, how);
    if (obstacle !== undefined) return obstacle;
    for (const name of await site.programs()) {
      const directory = join(sockets, name);
      const mode = await site.mode(directory);
      if (mode === 'absent') continue;
      const closed = await obstacleAt(site, directory, how);
      if (closed !== undefined) return closed;
      const other = await site.misplaced(name);
      if (other !== undefined) {
        const message = `${directory} is not as root has made it: ${other}.`;
        return failed('NL-UPLINK-SOCKET', message, `\`systemd-tmpfiles --create\`, ${AGAIN}`);
      }
      if ((mode & GROUP_ENTERS) === 0) {
        const advice = `\`chmod 2750 ${directory}\``;
        return warning(`The group of ${directory} may not enter it, so ${name} may not connect.`, advice);
      }
    }
    return ok(`The sockets are in ${sockets}.`);
  },
};

const uplinkTcp: Check = {
  id: 'uplink-tcp',
  describes: 'Programs with a key reach newleaf by TLS, and its CA is valid.',
  under: 'uplink',
  needs: ['uplink', 'socket'],
  async look(site) {
    const { sockets, tcp } = (await site.config()).config.uplink;
    const programs = (await told(site)).programs.filter(({ connects }) => connects === 'key');
    if (programs.length === 0) return ok('No program has a key, so no port is open.');
    const file = join(sockets, 'ca.pem');
    const ca = await site.authorities('the CA of uplink.tcp', file);
    return (await portFinding(site, tcp, ca)) ?? caFinding(site, ca, file, tcp);
  },
};

/** What is wrong with the port; undefined where newleaf answers. */
async function portFinding(site: Site, tcp: string, ca: string): Promise<Finding | undefined> {
  try {
    const { distrust } = await site.dial(tcp.replace(/^(0\.0\.0\.0|\[::\]):/, 'localhost:'), ca);
    if (distrust === undefined) return undefined;
    const message = `The port ${tcp} is not newleaf's: what answers there shows another certificate (${distrust}).`;
    return failed('NL-UPLINK-SOCKET', message, 'See with `ss -ltnp` what it is. End it, or change uplink.tcp.');
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
    return failed('NL-UPLINK-SOCKET', `uplink.tcp: ${error.message}`, `${CODES['NL-UPLINK-SOCKET'].advice}`);
  }
}

function caFinding({ now }: Site, ca: string, file: string, tcp: string): Finding {
  const ends = Date.parse(new X509Certificate(ca).validTo);
  const end = `The CA that vouches for ${tcp} (${file}) ${ends > now ? 'ends' : 'ended'} ${fromNow(ends, now)}.`;
  const advice = `Remove uplink/.tls/ca.key from the state directory, ${AGAIN}, and give the new ${file} to each program with a key.`;
  if (ends <= now) return failed('NL-UPLINK-SOCKET', end, advice);
  return ends - now < SOON_MS ? warning(end, advice) : ok(`newleaf answers at ${tcp}. ${end}`);
}

const uplinkQueue: Check = {
  id: 'uplink-queue',
  describes: 'The queues of the programs have room.',
  under: 'uplink',
  needs: ['uplink', 'socket', 'state-directory'],
  async look(site) {
    const { uplink, state } = (await site.config()).config;
    const { programs } = await told(site);
    const shareOf = ({ bytes, terms }: ProgramTold) => bytes / (terms?.maxBytes ?? uplink.max_bytes);
    const fullest = programs.toSorted((one, other) => shareOf(other) - shareOf(one))[0];
    if (fullest !== undefined && shareOf(fullest) > SCARCE) {
      const { name, bytes } = fullest;
      const percent = Math.min(100, Math.floor(100 * shareOf(fullest)));
      const then = uplink.when_full === 'refuse' ? 'new messages are refused' : 'the oldest messages are dropped';
      const message = `The queue of ${name} is ${percent} % full (${bytesInWords(bytes)}); at its end ${then}.`;
      return warning(message, CODES['NL-UPLINK-FULL'].advice);
    }
    const full = programs.find(({ inboxBytes }) => inboxBytes > INBOX_SCARCE);
    if (full !== undefined) {
      const message = `${full.name} takes no messages from the cloud: ${bytesInWords(full.inboxBytes)} of 4 MiB wait for it; at the end the oldest are lost.`;
      return warning(message, CODES['NL-UPLINK-UNTAKEN'].advice);
    }
    const missing = programs.reduce(
      (sum, { bytes, terms }) => sum + Math.max(0, (terms?.maxBytes ?? uplink.max_bytes) - bytes),
      0,
    );
    const { bytes: left } = await site.room(state.directory);
    if (left < missing) {
      const message = `The queues may grow by ${bytesInWords(missing)}, and the disk of ${state.directory} has room for ${bytesInWords(left)}.`;
      return warning(message, 'Make room there, or lower uplink.max_bytes.');
    }
    return ok(`The queues hold ${bytesInWords(programs.reduce((sum, { bytes }) => sum + bytes, 0))}, and have room.`);
  },
};

const uplinkTrouble: Check = {
  id: 'uplink-trouble',
  describes: 'No program has a trouble, and the hub does not throttle.',
  under: 'uplink',
  needs: ['uplink', 'socket'],
  async look(site) {
    const uplink = await told(site);
    const unopened = (await site.programs()).filter((name) => !uplink.programs.some((one) => one.name === name));
    if (unopened.length > 0) {
      const advice = 'The reason is in its log: `journalctl -u newleaf --grep uplink-failed`';
      return failed('NL-UPLINK-DISK', `The daemon has not opened ${unopened.join(', ')}.`, advice);
    }
    const [worst] = [...uplink.programs.filter(isLasting), ...uplink.programs].flatMap(({ name, trouble }) =>
      trouble === undefined ? [] : [{ name, trouble }],
    );
    if (worst !== undefined) {
      const { code, message, cause } = worst.trouble;
      const more = troublesOf(uplink).length > 1 ? ' There are more: `newleaf uplink list`.' : '';
      const advice = `${worst.trouble.advice}${more}`;
      const words = `${worst.name}: ${message}${cause === undefined ? '' : ` (${cause})`}`;
      return CODES[code].kind === 'transient' ? warning(`${code} ${words}`, advice) : failed(code, words, advice);
    }
    const { code, advice } = { code: 'NL-UPLINK-THROTTLED', ...CODES['NL-UPLINK-THROTTLED'] };
    if (uplink.isThrottled === true) return warning(`${code} ${throttledInWords(uplink.rate)}`, advice);
    return asideFinding(uplink.programs) ?? ok('No program has a trouble.');
  },
};

function asideFinding(programs: readonly ProgramTold[]): Finding | undefined {
  const names = programs.filter(({ setAside }) => setAside > 0).map(({ name }) => name);
  if (names.length === 0) return undefined;
  const message = `${names.join(', ')}: messages were set aside since the start of the daemon.`;
  return warning(message, CODES['NL-UPLINK-POISON'].advice);
}

/** A daemon that could not open its uplink tells of no program. */
async function told(site: Site): Promise<UplinkTold> {
  return (await site.status()).uplink ?? { programs: [] };
}

export const UPLINK_CHECKS: readonly Check[] = [uplink, uplinkSockets, uplinkTcp, uplinkQueue, uplinkTrouble];
