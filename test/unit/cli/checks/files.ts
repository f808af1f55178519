import type { Site } from '../../../../agent/cli/proof/site.ts';
import { Fault } from '../../../../agent/failure/failure.ts';
import { CONFIG, entry } from '../gateway.ts';
import { NOW } from '../stage.ts';
import { errno, fails, type Rows, settingIn, under } from './row.ts';

const denied = errno('EACCES', '/var/lib/newleaf/state.json');
const user = 'newleaf';
const modes = (pin: number | 'absent', state: number | 'absent', password?: number) => async (path: string) =>
  path.endsWith('pin') ? pin : path.endsWith('password') ? (password ?? 'absent') : state;
const denies =
  (...paths: readonly string[]): Site['access'] =>
  async (path) => {
    if (paths.includes(path)) throw errno('EACCES', path);
  };
const closed =
  (path: string): Site['closedOn'] =>
  () => ({ path, isPassage: true });
const room = (bytes: number, files: number) => async () => ({ bytes, files });
const est = `${settingIn('leaf', 'issuer = "est"', CONFIG.replace('issuer = "inbox"\n', ''))}
[issuer.est]
url = "https://ca.example/.well-known/est"
ca_file = "/etc/newleaf/ca.pem"
username = "gw"
password_file = "/etc/newleaf/password"
`;

/** Configuration, state, rights. */
export const FILES: Rows = {
  configuration: [
    ['right', {}, /^ok \/etc\/newleaf\/newleaf\.toml is in order, with 6 settings\.$/],
    ['wrong', { config: fails(new Fault('NL-CONFIG', { message: 'x:1: y.' })) }, /^failed NL-CONFIG x:1: y\. -> /],
  ],
  'state-file': [
    ['whole', {}, /^ok .*state\.json is whole: serving with the current leaf\.$/],
    [
      'absent',
      { entry: async () => 'absent' },
      /^ok There is no .*state\.json: this gateway is new, or was given up\.$/,
    ],
    ['corrupt', { entry: fails(new Fault('NL-STATE-CORRUPT')) }, /^failed NL-STATE-CORRUPT /],
    [
      'not for this user',
      { entry: fails(denied) },
      /^skipped This user may not read \/var\/lib\/newleaf\/state\.json\. -> `newleaf check`$/,
    ],
    [
      'not for the daemon',
      { entry: fails(denied), user },
      /^failed NL-CONFIG The user newleaf may not read \/var\/lib\/newleaf\/state\.json\. -> `chown newleaf: \/var/,
    ],
    [
      "in a directory that is not the daemon's",
      { entry: fails(denied), closedOn: closed('/var/lib/newleaf'), user },
      /state\.json: \/var\/lib\/newleaf is closed to it\. -> `chown -R newleaf: \/var\/lib\/newleaf`$/,
    ],
    [
      'in a directory above that is closed',
      { entry: fails(denied), closedOn: closed('/var'), user },
      /state\.json: \/var is closed to it\. -> `chmod 0755 \/var`$/,
    ],
  ],
  'state-directory': [
    ['right', {}, /^ok \/var\/lib\/newleaf can be written, with room for 10\.0 MiB and 1000 files\.$/],
    ['uncounted files', { room: room(2 ** 20, Number.POSITIVE_INFINITY) }, /room for 1\.0 MiB\.$/],
    ['absent', { mode: async () => 'absent' }, /^ok There is no .* yet: newleaf makes it\.$/],
    ['full', { room: room(0, 1000) }, /^failed NL-STATE-WRITE The file system of .* is full: /],
    ['out of inodes', { room: room(2 ** 30, 0) }, /^failed NL-STATE-WRITE .* 1\.0 GiB and 0 files are left\./],
    ['scarce', { room: room(2 ** 20 - 1, 1000) }, /^warning .*room for 1024 KiB/],
    [
      'read-only',
      { access: fails(errno('EROFS')) },
      /^failed NL-STATE-WRITE .* is on a file system that is read-only\. -> See with `dmesg` why/,
    ],
    ['for another user', { access: fails(errno('EACCES')) }, /^skipped This user may not write to/],
    [
      'closed to the daemon',
      { access: fails(errno('EACCES')), user },
      /^failed NL-STATE-WRITE The user newleaf may not write to \/var\/lib\/newleaf\. -> `chown -R newleaf: /,
    ],
    [
      'a file in its place',
      { access: fails(errno('ENOTDIR')) },
      /^failed NL-STATE-WRITE \/var\/lib\/newleaf is no directory\. -> /,
    ],
  ],
  inbox: [
    ['right', {}, /^ok Leaves can be put into \/var\/lib\/newleaf\/inbox\.$/],
    ['absent', { mode: async () => 'absent' }, /^ok There is no .*inbox yet: the daemon makes it\.$/],
    [
      'closed to the daemon',
      { access: fails(errno('EACCES')), user },
      /^failed NL-STATE-WRITE The user newleaf may not write to \/var\/lib\/newleaf\/inbox\./,
    ],
  ],
  permissions: [
    ['right', {}, /^ok /],
    ['nothing there yet', { mode: modes('absent', 'absent') }, /^ok /],
    ['PIN for everybody', { mode: modes(0o644, 0o700) }, /^failed NL-TOKEN-PIN-FILE .* has mode 0644\./],
    ['PIN for its group', { mode: modes(0o640, 0o700) }, /^warning .* its group may use the PIN\. -> `chmod 0600 /],
    ['state for others', { mode: modes(0o600, 0o755) }, /^warning .* has mode 0755, and should have 0750\./],
    [
      'configuration that the daemon may not read',
      { access: denies('/etc/newleaf/newleaf.toml'), user },
      /^failed NL-CONFIG The user newleaf may not read \/etc\/newleaf\/newleaf\.toml\. -> `chmod 0644 /,
    ],
    [
      'its directory is closed',
      { access: denies('/etc/newleaf/newleaf.toml'), closedOn: closed('/etc/newleaf'), user },
      /^failed .*newleaf\.toml: \/etc\/newleaf is closed to it\. -> `chmod 0755 \/etc\/newleaf`$/,
    ],
    ['seen by another user', { access: denies('/etc/newleaf/newleaf.toml') }, /^ok /],
    ...under(est, [
      [
        'password that another group may read',
        { mode: modes(0o600, 0o700, 0o640), user },
        /^warning .* its group may use the password .*\. -> `chown newleaf \/etc\/newleaf\/password`, then `chmod 0600 /,
      ],
      [
        'the same, and the group is that of the daemon',
        { mode: modes(0o600, 0o700, 0o640), isOfGroup: async () => true, user },
        /^ok /,
      ],
      [
        'the same in a container, whose group is its own, and a volume that Kubernetes has made',
        { mode: modes(0o440, 0o2775, 0o440), user, env: { NEWLEAF_CONTAINER: '1' } },
        /^ok /,
      ],
      [
        'the same for a user who cannot know whose it must be',
        { mode: modes(0o600, 0o700, 0o640), isStranger: true },
        /^warning .* its group may use the password .*\. -> `newleaf check permissions` says how, where root calls it\.$/,
      ],
      [
        'password for everybody, told before a warning',
        { mode: modes(0o640, 0o755, 0o604) },
        /^failed NL-CONFIG All users of this gateway may use the password of the EST server: .* has mode 0604\./,
      ],
      [
        'password that the daemon may not read',
        { access: denies('/etc/newleaf/password'), user },
        /^failed NL-CONFIG The user newleaf may not read .*password\. -> `chown newleaf .*`, then `chmod 0600 /,
      ],
      [
        'password in a directory that is closed',
        { access: denies('/etc/newleaf/password'), closedOn: closed('/root'), user },
        /password: \/root is closed to it\. -> `chmod o\+x \/root` \(or keep the file in \/etc\/newleaf\)$/,
      ],
      [
        'password that is not there',
        { access: fails(errno('ENOENT')), user },
        /^failed NL-CONFIG .* cannot be read \(ENOENT\)\. -> /,
      ],
    ]),
  ],
  clock: [
    ['right', {}, /^ok The clock is credible, and agrees with dps\.example\.$/],
    [
      'before the last proven server',
      { entry: async () => ({ ...entry, lastSeen: NOW + 60_000 }), serverTime: async () => undefined },
      /^failed NL-CLOCK The clock is wrong: it says 2026-11-25 14:49, and it cannot be before 2026-11-25 14:50\. -> /,
    ],
    [
      'a server says so, and cannot prove it',
      {
        entry: async () => ({ ...entry, lastSeen: NOW + 60_000 }),
        serverTime: async () => ({ at: NOW + 120_000, here: NOW, from: 'dps.example', isProven: false }),
      },
      /^failed NL-CLOCK .* It is 2026-11-25 14:51 by dps\.example, which cannot prove who it is while the clock is wrong\./,
    ],
    [
      'ahead',
      { serverTime: async () => ({ at: NOW - 400 * 86_400_000, here: NOW, from: 'dps.example', isProven: false }) },
      /^failed NL-CLOCK The clock is 13 months ahead\. It is 2025-10-21 15:49 by dps\.example, which cannot prove/,
    ],
    [
      'a little behind',
      { serverTime: async () => ({ at: NOW + 61_000, here: NOW, from: 'dps.example', isProven: true }) },
      /^warning The clock is 61 s behind\. It is 2026-11-25 14:50 by dps\.example\. -> Is NTP at work\?/,
    ],
    ['no server', { serverTime: async () => undefined }, /^ok The clock is credible\. No server could be asked/],
    ['no CA file', { serverTime: fails(new Fault('NL-CONFIG')) }, /^ok The clock is credible\. No server/],
  ],
};
