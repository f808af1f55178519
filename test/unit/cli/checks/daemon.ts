import { Fault, failure } from '../../../../agent/failure/failure.ts';
import { NOW, statusWith } from '../stage.ts';
import { errno, fails, type Row, type Rows } from './row.ts';

const shown = {
  Id: 'newleaf.service',
  LoadState: 'loaded',
  ActiveState: 'active',
  UnitFileState: 'enabled',
  WatchdogUSec: '1min',
  NRestarts: '0',
  Result: 'success',
  ExecMainStatus: '0',
  ExecMainExitTimestamp: '',
  ExecCondition: '',
} as const;
const unit = (change: Partial<Record<keyof typeof shown, string>>) => async () => ({ ...shown, ...change });
const down = fails(new Fault('NL-DAEMON-DOWN', { message: 'Nobody answers.' }));

const askAt = new Date(NOW + 303_000).toISOString();

/** The daemon, and who starts it. */
export const DAEMON: Rows = {
  unit: [
    ['no systemd', {}, /^skipped systemd does not run this machine\.$/],
    ['right', { unit: unit({}) }, /^ok newleaf\.service is enabled and active, with a watchdog, and no restart\.$/],
    ['restarted once', { unit: unit({ NRestarts: '1' }) }, /^ok .* and 1 restart\.$/],
    ['restarted', { unit: unit({ NRestarts: '3' }) }, /^ok .* and 3 restarts\.$/],
    ['absent', { unit: unit({ LoadState: 'not-found' }) }, /^warning newleaf\.service is not installed: /],
    ['masked', { unit: unit({ LoadState: 'masked' }) }, /^warning newleaf\.service is masked\. -> /],
    [
      'disabled, on a new gateway or one that was given up',
      { unit: unit({ UnitFileState: 'disabled' }), entry: async () => 'absent' },
      /^warning .* is disabled: .* -> A new one: `newleaf init`\. .* leave it off/,
    ],
    [
      'disabled, on one that was given up',
      { unit: unit({ UnitFileState: 'disabled' }), entry: fails(new Fault('NL-STATE-DECOMMISSIONED')) },
      /^ok newleaf\.service is disabled: this gateway was given up\.$/,
    ],
    [
      'disabled',
      { unit: unit({ UnitFileState: 'disabled' }) },
      /^warning .* is disabled: .* -> `systemctl enable newleaf`/,
    ],
    [
      'never started',
      { unit: unit({ WatchdogUSec: 'infinity', ActiveState: 'inactive' }) },
      /^ok newleaf\.service is enabled, and was not started yet/,
    ],
    ['no watchdog', { unit: unit({ WatchdogUSec: '0' }) }, /^warning newleaf\.service has no watchdog/],
    [
      'a watchdog that never bites',
      { unit: unit({ WatchdogUSec: 'infinity' }) },
      /^warning newleaf\.service has no watchdog/,
    ],
  ],
  socket: [
    ['runs', {}, /^ok The daemon \(0\.0\.0-source\) runs: serving with the current leaf, online\.$/],
    ['does not', { status: down }, /^failed NL-DAEMON-DOWN Nobody answers\. -> Correct what else fails here/],
    [
      'on a new gateway, or one that was given up',
      { status: down, entry: async () => 'absent' },
      /^failed NL-DAEMON-DOWN Nobody answers\. It has no state: .* -> A new one: `newleaf init`\. One that was given up: leave it off/,
    ],
    [
      'has ended before it wrote a state',
      { status: down, entry: async () => 'absent', unit: unit({ ActiveState: 'failed', Result: 'exit-code' }) },
      /^failed NL-DAEMON-DOWN Nobody answers\. newleaf\.service is failed: .* -> Correct what else fails here/,
    ],
    [
      'does not, and the state is not for this user',
      { status: down, entry: fails(errno('EACCES')) },
      /^failed NL-DAEMON-DOWN Nobody answers\. -> Correct what else fails here/,
    ],
    [
      'is not for this user',
      { isStranger: true, status: fails(new Fault('NL-CONTROL-DENIED')) },
      /^skipped .* -> `newleaf check`$/,
    ],
    [
      'was removed',
      { status: fails(new Fault('NL-CONTROL-GONE')) },
      /^failed NL-CONTROL-GONE The daemon runs, .* -> If it stays like this: `systemctl restart newleaf`\.$/,
    ],
    ...(['216', '217'] as const).map(
      (ExecMainStatus): Row => [
        `has no user or group any more: ${ExecMainStatus}`,
        { status: down, unit: unit({ ActiveState: 'activating', Result: 'exit-code', ExecMainStatus }) },
        /^failed NL-DAEMON-DOWN Nobody answers\. newleaf\.service is activating: its user or its group newleaf does not exist\. -> Make them again: `systemd-sysusers` \(of the tarball: its install\.sh\), then `systemctl restart newleaf`\. If the user has .* named here then\.$/,
      ],
    ),
    [
      'has no user, and so not even its condition could be run',
      {
        status: down,
        unit: unit({
          ActiveState: 'inactive',
          Result: 'exec-condition',
          ExecCondition: '{ path=/bin/sh ; status=217 }',
        }),
      },
      /^failed NL-DAEMON-DOWN .* is inactive: its user or its group newleaf does not exist\. -> Make them again: /,
    ],
    [
      'hung, and was killed',
      { status: down, unit: unit({ ActiveState: 'activating', Result: 'watchdog' }) },
      /^failed NL-DAEMON-DOWN .* newleaf\.service is activating: it ended with watchdog\. -> /,
    ],
    [
      'ended to be started again, and rests',
      { status: down, unit: unit({ ActiveState: 'activating' }) },
      /^failed NL-DAEMON-DOWN .* newleaf\.service is being started: after a fault newleaf leaves the token alone for half a minute\. -> /,
    ],
    [
      'was never started',
      { status: down, unit: unit({ ActiveState: 'inactive' }) },
      /^failed NL-DAEMON-DOWN .* systemd has not started newleaf\.service, or has stopped it \(inactive\)\. -> /,
    ],
    [
      'is there, and does not answer',
      { status: down, unit: unit({}) },
      /^failed NL-DAEMON-DOWN Nobody answers\. -> Correct/,
    ],
  ],
  version: [
    ['the same', {}, /^ok newleaf 0\.0\.0-source, Node [\d.]+, OpenSSL /],
    [
      'of before an upgrade',
      { status: async () => statusWith() },
      /^warning The daemon runs 0\.1\.0, and 0\.0\.0-source is installed\. -> `systemctl restart newleaf`$/,
    ],
  ],
  trouble: [
    ['none', {}, /^ok The daemon has none\.$/],
    ['offline', { status: async () => statusWith({ online: false }) }, /^warning The daemon is offline/],
    [
      'that passes',
      { status: async () => statusWith({ trouble: { code: 'NL-HUB-LOST', message: 'Lost.', advice: 'Wait.' } }) },
      /^warning NL-HUB-LOST Lost\. -> Wait\.$/,
    ],
    [
      'that does not',
      {
        status: async () =>
          statusWith({ trouble: { code: 'NL-HUB-REJECTED', message: 'No.', advice: 'Ask.', cause: 'CONNACK 5' } }),
      },
      /^failed NL-HUB-REJECTED No\. \(CONNACK 5\) -> Ask\.$/,
    ],
    [
      'that does not, beside one that passes',
      {
        status: async () =>
          statusWith({
            wrong: [
              { code: 'NL-HUB-LOST', message: 'Lost.', advice: 'Wait.' },
              { code: 'NL-EST-AUTH', message: 'No.', advice: 'Ask.' },
            ],
            next: {
              slot: 'b',
              standing: 'parked',
              askAt,
              trouble: { code: 'NL-EST-AUTH', message: 'No.', advice: 'Ask.' },
            },
          }),
      },
      /^failed NL-EST-AUTH About the next leaf: No\. -> Ask\. After that: .* newleaf asks again by itself in 5 min\.$/,
    ],
    [
      'about the first leaf: there is no other to tell it from',
      {
        status: async () => {
          const wrong = { code: 'NL-DPS-HUB', message: 'Not that one.', advice: 'Ask.' } as const;
          const { leaf: _, ...status } = statusWith({
            wrong: [wrong],
            next: { slot: 'a', standing: 'waiting', trouble: wrong },
          });
          return status;
        },
      },
      /^failed NL-DPS-HUB Not that one\. -> Ask\.$/,
    ],
    [
      'another client',
      { status: async () => statusWith({ trouble: failure('NL-HUB-FLAPPING') }) },
      /^failed NL-HUB-FLAPPING .* -> Is another program on this gateway .* `newleaf uplink add NAME`/,
    ],
    [
      'none, behind a box that ends idle connections',
      { status: async () => statusWith({ keepalive: { seconds: 19, idleLimitSeconds: 25 } }) },
      /^ok The daemon has none\. Its keepalive is 19 s: connections that are idle for 25 s are ended on the way to the hub \(NL-NETWORK-IDLE\)\.$/,
    ],
    [
      'whose advice is this very command',
      { status: async () => statusWith({ trouble: failure('NL-HUB-UNREACHABLE', { cause: 'ETIMEDOUT' }) }) },
      /^warning NL-HUB-UNREACHABLE .*\(there is no answer in time, ETIMEDOUT\) -> Check the network, DNS and the firewall; if they are right, ask the operator of the server\.$/,
    ],
    [
      'of the token, whose advice is this very command',
      {
        status: async () =>
          statusWith({ trouble: failure('NL-TOKEN-FAILED', { advice: 'See `newleaf check`. More.' }) }),
      },
      /^failed NL-TOKEN-FAILED The token refused an operation\. -> Look up the CKR code .*`newleaf support-bundle`\.$/,
    ],
    [
      'one that has a check of its own',
      { status: async () => statusWith({ trouble: failure('NL-CLOCK') }) },
      /^warning NL-CLOCK /,
    ],
  ],
};
