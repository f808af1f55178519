import { BEGIN_OR_LEAVE } from '../words.ts';
import { type Check, isUnbegun, ok, skipped, warning } from './check.ts';

/** `UnitFileState` of a unit that systemd starts by itself (systemctl(1), is-enabled). */
const ENABLED = ['enabled', 'enabled-runtime', 'static', 'linked', 'generated', 'alias'];

/** The daemon itself tells whether it runs; this is about what keeps it running. */
export const unit: Check = {
  id: 'unit',
  describes: 'systemd starts the daemon, and restarts it when it hangs.',
  needs: [],
  async look(site) {
    const shown = await site.unit();
    if (shown === undefined) return skipped('systemd does not run this machine.');
    const { LoadState, ActiveState, UnitFileState, WatchdogUSec, NRestarts } = shown;
    if (LoadState === 'not-found') {
      return warning(
        'newleaf.service is not installed: nothing starts the daemon at boot.',
        'Install the package newleaf.',
      );
    }
    if (LoadState !== 'loaded') {
      return warning(
        `newleaf.service is ${LoadState}.`,
        'See `systemctl status newleaf`, and `systemctl unmask newleaf` if it is masked.',
      );
    }
    if (!ENABLED.includes(UnitFileState)) {
      return warning(
        `newleaf.service is ${UnitFileState}: nothing starts the daemon at boot.`,
        (await isUnbegun(site)) ? BEGIN_OR_LEAVE : 'systemctl enable newleaf',
      );
    }
    // systemd 257 shows the value of WatchdogSec= only after the first start.
    const isUnstarted = WatchdogUSec === 'infinity' && ActiveState === 'inactive';
    if (isUnstarted) return ok(`newleaf.service is ${UnitFileState}, and was not started yet.`);
    if (WatchdogUSec === '0' || WatchdogUSec === '' || WatchdogUSec === 'infinity') {
      return warning(
        'newleaf.service has no watchdog: a daemon that hangs is not restarted.',
        'Run `systemctl revert newleaf`, or set WatchdogSec=.',
      );
    }
    const none = NRestarts === '0' || NRestarts === '';
    const restarts = none ? 'no restart' : `${NRestarts} restart${NRestarts === '1' ? '' : 's'}`;
    return ok(
      `newleaf.service is ${UnitFileState} and ${ActiveState}, with a watchdog of ${WatchdogUSec} and ${restarts}.`,
    );
  },
};
