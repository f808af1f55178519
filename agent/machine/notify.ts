import { execFile } from 'node:child_process';
import { write } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { namingIn } from './naming.ts';
import { Pulse } from './pulse.ts';

/** Messages to what watches over the process: systemd (sd_notify(3)). Each resolves when it is sent, and never throws. */
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

/** One assignment of sd_notify(3), as `READY=1`. */
type Send = (message: string) => Promise<void>;

/** Ends after so many milliseconds, or as soon as `abort` fires. */
interface Sleeps {
  sleep(ms: number, abort: AbortSignal): Promise<void>;
}

const timer: Sleeps = { sleep: (ms, signal) => pause(ms, undefined, { signal }).catch(() => {}) };

/** The socket of the system's own systemd: the one that OpenFile= in the unit names. */
const SOCKET = '/run/systemd/notify';
/** SD_LISTEN_FDS_START of sd_listen_fds(3). */
const FIRST_FD = 3;
/** systemd answers nothing; it may only be slow to take a message. In milliseconds. */
const PATIENCE_MS = 5_000;
const NOT_TAKEN = 'systemd takes no message';
/**
 * From systemd 254 on, no other process of the unit is listened to from then on: an issuer's command could name another main
 * process. Earlier ones pass that line over.
 */
const OURS_ALONE = 'NOTIFYACCESS=main';

const executed = promisify(execFile);

/**
 * Does nothing unless NOTIFY_SOCKET is set, or NEWLEAF_PULSE, which names the file of another watchdog.
 * @param failed gets the reason why a message could not be sent
 */
export function createNotify(env: NodeJS.ProcessEnv, failed: (cause: Error) => void, clock: Sleeps = timer): Notify {
  const watchdogMs = watchdogOf(env);
  const told = namingIn(env);
  const way = wayOf(env, failed, clock) ?? pulseOf(env, watchdogMs, failed);
  let last = Promise.resolve();
  // One after the other: a READY=1 that arrives after STOPPING=1 would be taken for a restart.
  const send: Send = (message) => {
    if (way !== undefined) last = last.then(() => way(message));
    return last;
  };
  return {
    ready: () => send('READY=1'),
    stopping: () => send('STOPPING=1'),
    // A line end would begin the next assignment.
    status: (text) => send(`STATUS=${told(text).replace(/\s+/g, ' ')}`),
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

/** It takes of the messages those of the watchdog, and the line. */
function pulseOf({ NEWLEAF_PULSE }: NodeJS.ProcessEnv, limitMs: number | undefined, failed: (cause: Error) => void) {
  if (NEWLEAF_PULSE === undefined || limitMs === undefined) return undefined;
  const pulse = new Pulse(NEWLEAF_PULSE, limitMs);
  const send: Send = async (message) => {
    const [name = ''] = message.split('=');
    const value = message.slice(name.length + 1);
    try {
      if (name === 'WATCHDOG') pulse.beat();
      if (name === 'WATCHDOG_USEC') pulse.expect(Number(value) / 1000);
      if (name === 'STATUS') pulse.say(value);
    } catch (error) {
      failed(error as Error);
    }
  };
  return send;
}

/**
 * Node makes no unix datagram sockets. From systemd 253 on, the unit brings one that is connected already; before, or where
 * that one fails at once, systemd-notify(1) sends: another process, so the unit needs `NotifyAccess=all`.
 */
function wayOf(env: NodeJS.ProcessEnv, failed: (cause: Error) => void, clock: Sleeps): Send | undefined {
  if (env.NOTIFY_SOCKET === undefined) return undefined;
  const byProgram: Send = (message) => run(message, env).catch(failed);
  const fd = socketOf(env);
  return fd === undefined ? byProgram : bySocket(fd, byProgram, failed, clock);
}

/**
 * What is known of a socket: whether a write has not ended yet, which keeps a thread of Node's, which has four, from everything
 * else; and whether the first one was taken.
 */
type Standing = 'untried' | 'writing' | 'takes' | 'refuses';

interface Written {
  readonly socket: Standing;
  readonly cause?: Error;
}

function bySocket(fd: number, byProgram: Send, failed: (cause: Error) => void, clock: Sleeps): Send {
  let socket: Standing = 'untried';
  // Messages come one after the other: a write that has not ended at the next one is late.
  return async (message) => {
    if (socket === 'refuses') return byProgram(message);
    if (socket === 'writing') return failed(new Error(NOT_TAKEN));
    const isFirst = socket === 'untried';
    socket = 'writing';
    const ended = put(fd, isFirst ? `${OURS_ALONE}\n${message}` : message).then(
      (): Written => ({ socket: 'takes' }),
      (cause: Error): Written => ({ socket: isFirst ? 'refuses' : 'takes', cause }),
    );
    void ended.then((now) => {
      socket = now.socket;
    });
    const over = new AbortController();
    // One that is late may still arrive, and nothing else must be on its way then.
    const late = (): Written => ({ socket: 'writing', cause: new Error(NOT_TAKEN) });
    const now = await Promise.race([ended, clock.sleep(PATIENCE_MS, over.signal).then(late)]);
    over.abort();
    if (now.socket === 'refuses') await byProgram(message);
    else if (now.cause !== undefined) failed(now.cause);
  };
}

/** sd_listen_fds_with_names(3). One that leads to another systemd than the one that asks to be told is of no use. */
function socketOf({ NOTIFY_SOCKET, LISTEN_PID, LISTEN_FDNAMES = '' }: NodeJS.ProcessEnv): number | undefined {
  if (NOTIFY_SOCKET !== SOCKET || LISTEN_PID !== String(process.pid)) return undefined;
  const at = LISTEN_FDNAMES.split(':').indexOf('notify');
  return at < 0 ? undefined : FIRST_FD + at;
}

/** One write(2) to a connected datagram socket is one message. */
const put = (fd: number, message: string): Promise<void> =>
  new Promise((resolve, reject) => {
    write(fd, message, (cause) => (cause === null ? resolve() : reject(cause)));
  });

async function run(message: string, env: NodeJS.ProcessEnv): Promise<void> {
  await executed('systemd-notify', [message], { env, timeout: PATIENCE_MS });
}
