import { execFile } from 'node:child_process';
import { namingIn } from './naming.ts';

/** Messages to systemd (sd_notify(3)). Each resolves when it is sent, and never throws. */
export interface Notify {
  ready(): Promise<void>;
  stopping(): Promise<void>;
  /** One line for `systemctl status`. */
  status(text: string): Promise<void>;
  /** Still alive. Does nothing without a watchdog. */
  watchdog(): Promise<void>;
  /** From now on systemd expects `watchdog` at least so often, in milliseconds. Does nothing without a watchdog. */
  expect(ms: number): Promise<void>;
  /** How often systemd expects `watchdog` at the start, in milliseconds; undefined where the unit has no WatchdogSec. */
  readonly watchdogMs: number | undefined;
}

/**
 * Does nothing unless NOTIFY_SOCKET is set. Node has no unix datagram sockets, so systemd-notify(1) sends; being another
 * process, it needs `NotifyAccess=all` in the unit.
 * @param failed gets the reason why a message could not be sent
 */
export function createNotify(env: NodeJS.ProcessEnv, failed: (cause: Error) => void): Notify {
  const socket = env.NOTIFY_SOCKET;
  const watchdogMs = watchdogOf(env);
  const told = namingIn(env);
  let last = Promise.resolve();
  // One after the other: a READY=1 that arrives after STOPPING=1 would be taken for a restart.
  const send = (...message: readonly string[]): Promise<void> => {
    if (socket !== undefined) last = last.then(() => run(message, env, failed));
    return last;
  };
  return {
    ready: () => send('--ready'),
    stopping: () => send('--stopping'),
    // A line end would begin the next assignment.
    status: (text) => send(`--status=${told(text).replace(/\s+/g, ' ')}`),
    watchdog: () => (watchdogMs === undefined ? last : send('WATCHDOG=1')),
    expect: (ms) => (watchdogMs === undefined ? last : send(`WATCHDOG_USEC=${Math.round(ms * 1000)}`)),
    watchdogMs,
  };
}

/** sd_watchdog_enabled(3): microseconds. A process that is not meant inherits the variables from its parent. */
function watchdogOf({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | undefined {
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(process.pid)) return undefined;
  const ms = Number(WATCHDOG_USEC) / 1000;
  return ms > 0 ? ms : undefined;
}

function run(message: readonly string[], env: NodeJS.ProcessEnv, failed: (cause: Error) => void): Promise<void> {
  return new Promise((resolve) => {
    execFile('systemd-notify', message, { env, timeout: 5000 }, (cause) => {
      if (cause !== null) failed(cause);
      resolve();
    });
  });
}
