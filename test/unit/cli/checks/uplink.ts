import { X509Certificate } from 'node:crypto';
import { Unreached } from '../../../../agent/cli/proof/dial.ts';
import type { Site } from '../../../../agent/cli/proof/site.ts';
import type { ProgramTold, UplinkTold } from '../../../../agent/cli/uplink/told.ts';
import { failure } from '../../../../agent/failure/failure.ts';
import { TestCa } from '../../mqtt/certificates.ts';
import { statusWith } from '../stage.ts';
import { idle, programWith } from '../uplink/gateway.ts';
import { DAY, errno, fails, type Rows, settingIn, shows } from './row.ts';

const MIB = 1024 * 1024;
const named = (...names: string[]) => ({ programs: async () => names });

/** Programs that are on disk, and that the daemon tells of. */
const having = (programs: readonly ProgramTold[], more: Partial<UplinkTold> = {}): Partial<Site> => ({
  ...named(...programs.map(({ name }) => name)),
  status: async () => ({ ...statusWith(), uplink: { programs, rate: 20, isThrottled: false, ...more } }),
});
const { cert } = new TestCa();
/** Before the end of the CA. */
const before = (ms: number) => ({
  now: Date.parse(new X509Certificate(cert).validTo) - ms,
  authorities: async () => cert,
});
const key = having([idle({ name: 'tele', connects: 'key' })]);
const modes =
  (given: Readonly<Record<string, number | 'absent'>>): Site['mode'] =>
  async (path) =>
    given[path] ?? 0o755;
const SENSORS = '/run/newleaf-uplink/sensors';
const closed =
  (to: string): Site['access'] =>
  async (path) => {
    if (path === to) throw errno('EACCES', path);
  };

/** Programs of the gateway. */
export const UPLINK: Rows = {
  uplink: [
    ['none', {}, /^skipped No program of this gateway sends through newleaf\.$/],
    ['one', named('sensors'), /^ok One program sends: sensors\.$/],
    ['two', named('a', 'b'), /^ok 2 programs send: a, b\.$/],
    ['not for this user', { programs: fails(errno('EACCES')) }, /^skipped This user may not read/],
  ],
  'uplink-sockets': [
    [
      'right',
      { ...named('sensors'), mode: modes({ [SENSORS]: 0o750 }) },
      /^ok The sockets are in \/run\/newleaf-uplink\.$/,
    ],
    [
      'no directory',
      { ...named('sensors'), mode: modes({ '/run/newleaf-uplink': 'absent' }) },
      /^failed NL-UPLINK-SOCKET There is no \/run\/newleaf-uplink\. -> `systemd-tmpfiles --create`, `systemctl restart newleaf`$/,
    ],
    [
      'read-only, in a container',
      {
        ...named('sensors'),
        user: 'newleaf',
        env: { NEWLEAF_CONTAINER: '1' },
        access: async (path: string) => {
          throw errno('EROFS', path);
        },
      },
      /^failed NL-UPLINK-SOCKET .* read-only\. -> Start the container with --volume uplink:\/run\/newleaf-uplink as well/,
    ],
    [
      'closed to the daemon',
      { ...named('sensors'), user: 'newleaf', access: closed('/run/newleaf-uplink') },
      /^failed NL-UPLINK-SOCKET The user newleaf may not write to \/run\/newleaf-uplink\. -> `chown/,
    ],
    [
      'that of a program is closed to the daemon',
      { ...named('sensors'), user: 'newleaf', access: closed(SENSORS) },
      /^failed NL-UPLINK-SOCKET .* may not write to \/run\/newleaf-uplink\/sensors\./,
    ],
    [
      'looked at by another user',
      { ...named('sensors'), access: closed('/run/newleaf-uplink') },
      /^skipped This user may not write .* -> `newleaf check`$/,
    ],
    [
      'not as root has made it',
      {
        ...named('sensors'),
        misplaced: async () => 'it is 0755 of user 1 and group 1, and not 2750 of newleaf and plc',
      },
      /^failed NL-UPLINK-SOCKET \/run\/newleaf-uplink\/sensors is not as root has made it: it is 0755 .* -> `systemd-tmpfiles --create`/,
    ],
    [
      'closed to the group',
      { ...named('sensors'), mode: modes({ [SENSORS]: 0o700 }) },
      /^warning The group of .* may not enter it, so sensors may not connect\. -> `chmod 2750/,
    ],
    ['not made yet', { ...named('sensors'), mode: modes({ [SENSORS]: 'absent' }) }, /^ok The sockets are in/],
  ],
  'uplink-tcp': [
    ['no program has a key', having([idle()]), /^ok No program has a key, so no port is open\.$/],
    [
      'newleaf answers',
      { ...key, ...before(2_000 * DAY) },
      /^ok newleaf answers at 127\.0\.0\.1:8883\. The CA .*\(\/run\/newleaf-uplink\/ca\.pem\) ends in /,
    ],
    [
      'its CA ends soon',
      { ...key, ...before(30 * DAY) },
      /^warning The CA .* ends in .* -> Remove uplink\/\.tls\/ca\.key from the state directory/,
    ],
    [
      'its CA has ended',
      { ...key, ...before(-DAY) },
      /^failed NL-UPLINK-SOCKET The CA .* ended .* ago\. -> Remove uplink\/\.tls\/ca\.key from the state directory/,
    ],
    [
      'another server has the port',
      { ...key, authorities: async () => '', dial: shows({ distrust: 'SELF_SIGNED_CERT_IN_CHAIN' }) },
      /^failed NL-UPLINK-SOCKET The port 127\.0\.0\.1:8883 is not newleaf's: .*SELF_SIGNED.* -> See with `ss -ltnp`/,
    ],
    [
      'there is no answer',
      { ...key, authorities: async () => '', dial: fails(new Unreached('tcp', 'It cannot be reached.', 8883, 0)) },
      /^failed NL-UPLINK-SOCKET uplink\.tcp: It cannot be reached\. -> It is tried again each minute\./,
    ],
  ],
  'uplink-queue': [
    [
      'room',
      having([programWith()]),
      /^ok The queues hold 3\.4 KiB, and have room\.$/,
      settingIn('uplink', 'max_bytes = "1MiB"'),
    ],
    [
      'nearly full',
      having([idle(), programWith({ name: 'plc', bytes: 53 * MIB })]),
      /^warning The queue of plc is 82 % full \(53\.0 MiB\); at its end new messages are refused\. -> See with `newleaf uplink list`/,
    ],
    [
      'nearly full by its own bound',
      having([
        programWith({ bytes: 20 * MIB }),
        programWith({ name: 'plc', bytes: 9 * MIB, terms: { maxBytes: 10 * MIB } }),
      ]),
      /^warning The queue of plc is 90 % full \(9\.0 MiB\)/,
    ],
    [
      'nearly full, and drops',
      having([programWith({ bytes: 65 * MIB })]),
      /^warning The queue of sensors is 100 % full .*; at its end the oldest messages are dropped\./,
      settingIn('uplink', 'when_full = "drop-oldest"'),
    ],
    [
      'a program that takes no messages from the cloud',
      having([programWith({ inbox: 40, inboxBytes: 2.5 * MIB })]),
      /^warning sensors takes no messages from the cloud: 2\.5 MiB of 4 MiB wait for it; .* -> .*`newleaf uplink forget NAME`/,
    ],
    [
      'a disk that is smaller',
      having([programWith()]),
      /^warning The queues may grow by 64\.0 MiB, and the disk of \/var\/lib\/newleaf has room for 10\.0 MiB\. -> Make room there/,
    ],
  ],
  'uplink-trouble': [
    ['none', having([programWith()]), /^ok No program has a trouble\.$/],
    [
      'lasting before passing',
      having([
        idle({ name: 'a', trouble: failure('NL-UPLINK-THROTTLED') }),
        idle({ name: 'b', trouble: failure('NL-UPLINK-SOCKET', { message: 'No.', cause: 'EROFS' }) }),
      ]),
      /^failed NL-UPLINK-SOCKET b: No\. \(EROFS\) -> It is tried .* There are more: `newleaf uplink list`\.$/,
    ],
    [
      'the hub throttles',
      having([programWith()], { isThrottled: true, rate: 2 }),
      /^warning NL-UPLINK-THROTTLED The hub seems to throttle: messages go at 2 a second\. -> Operator/,
    ],
    [
      'one that passes',
      having([idle({ trouble: failure('NL-UPLINK-THROTTLED', { message: 'Slow.' }) })]),
      /^warning NL-UPLINK-THROTTLED sensors: Slow\./,
    ],
    [
      'set aside',
      having([programWith({ setAside: 2 })]),
      /^warning sensors: messages were set aside since .* -> Operator of the program: look at the message/,
    ],
    [
      'not opened',
      { ...named('a', 'b') },
      /^failed NL-UPLINK-DISK The daemon has not opened a, b\. -> The reason is in its log/,
    ],
  ],
};
