import assert from 'node:assert/strict';
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { GatewayStatus } from '../../agent/cli/status/present.ts';
import { wrongOf } from '../../agent/cli/status/wrong.ts';
import { CODES, type Code } from '../../agent/failure/failure.ts';
import { needsAction } from '../../agent/roll/wrong.ts';
import type { Ended, Gateway } from '../e2e/stage/gateway.ts';
import type { Simulator } from '../simulator/simulator.ts';
import type { Told } from './record.ts';

/** How often a place is looked at that has no event to wait for, in milliseconds. */
const LOOK_MS = 200;
/** Twin and systemd are told by the loop, which looks at the clock once a minute; systemd by a process of its own. */
const LATER_MS = 90_000;

const DOWN = 'NL-DAEMON-DOWN';
const codesIn = (said: string): readonly string[] => said.match(/NL-[A-Z0-9]+(-[A-Z0-9]+)*/g) ?? [];

/** Where all of it is told. */
export interface Places {
  readonly far: Simulator;
  readonly gateway: Gateway;
  /** The newest line of `systemctl status`. */
  line(): string;
}

/** What must be told while the fault lasts. */
export interface Truth {
  /** The code of the cause; undefined where the gateway serves on, and nothing is to be done. */
  readonly code?: RegExp | undefined;
  /** The exit code of `newleaf status`. */
  readonly exit: number;
  /** Whether the hub has a session; 'down' where the daemon does not run. */
  readonly session: 'open' | 'none' | 'down';
  /** How soon `status` must say so, in milliseconds. Default half a minute. */
  readonly withinMs?: number;
  /** What stands in `systemctl status` where the daemon cannot say anything any more. */
  readonly systemctl?: string;
  /** The far side cannot see yet that the session is dead. */
  readonly isSilent?: boolean;
}

/** The first code that a person reads; that the daemon does not run says less than why. */
export const firstCode = ({ out, err }: Pick<Ended, 'out' | 'err'>): string => {
  const [, todo = err] = out.split('What to do');
  const codes = codesIn(todo);
  return codes.find((code) => code !== DOWN) ?? codes[0] ?? '';
};

/** `newleaf_online` as Prometheus would read it; 'down' where nothing answers. */
export function onlineOf(socketPath: string): Promise<string> {
  return new Promise((resolve) => {
    const asking = get({ socketPath, path: '/metrics' }, async (answer) => {
      resolve(/^newleaf_online (\d)$/m.exec(await text(answer).catch(() => ''))?.[1] ?? 'down');
    });
    asking.setTimeout(LATER_MS, () => asking.destroy());
    asking.on('error', () => resolve('down'));
  });
}

/** What the daemon says of itself, and of the programs. */
export async function codeOf({ gateway }: Pick<Places, 'gateway'>): Promise<string> {
  const status = (await gateway.status().catch(() => undefined)) as GatewayStatus | undefined;
  return status === undefined ? DOWN : (wrongOf(status)[0]?.code ?? '');
}

/** `trouble` in the twin, '' without one; 'offline' where the hub has no session with the device. */
async function twinOf(at: Places): Promise<string> {
  if (!at.far.isConnected(at.gateway.registrationId)) return 'offline';
  const { reported } = await at.far.twin(at.gateway.registrationId);
  return String((reported.newleaf as { trouble?: string } | undefined)?.trouble ?? '');
}

/** Looks until it is so. @returns what was seen last, be it so or not */
export async function seen<T>(look: () => Promise<T> | T, isSo: (found: T) => boolean, withinMs: number): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (isSo(found) || performance.now() > deadline) return found;
    await pause(LOOK_MS);
  }
}

/** Asks all places, and holds each of them to the truth. @returns what they say */
export async function assertTold(at: Places, truth: Truth): Promise<Told> {
  const { code, exit, session, withinMs = 30_000, isSilent = false } = truth;
  const said = (found: string) => (code === undefined ? found === '' : code.test(found));
  const deadline = performance.now() + withinMs;
  // The socket is asked first, and again and again: each command is a process.
  if (session !== 'down') await seen(() => codeOf(at), said, withinMs);
  const status = await seen(
    () => at.gateway.command('status'),
    (ended) => said(firstCode(ended)) && ended.code === exit,
    deadline - performance.now(),
  );
  const first = firstCode(status);
  assert.ok(said(first), `status names ${first || 'nothing'}, and not ${code}:\n${status.out}${status.err}`);
  assert.equal(status.code, exit, `${status.out}${status.err}`);

  const online = { open: '1', none: '0', down: 'down' }[session];
  const metrics = await seen(
    () => onlineOf(at.gateway.socket),
    (found) => found === online,
    LATER_MS,
  );
  assert.equal(metrics, online, 'newleaf_online');

  // Only what does not pass by itself is written to the twin (agent/roll/report.ts).
  const isTwin = (found: string) => {
    if (isSilent) return true;
    if (session !== 'open') return found === 'offline';
    return found === (first in CODES && needsAction(first as Code) ? first : '');
  };
  const twin = await seen(() => twinOf(at), isTwin, LATER_MS);
  assert.ok(isTwin(twin), `the twin says ${twin || 'nothing'}, and status ${first || 'nothing'}`);

  if (truth.systemctl !== undefined) return { status: first, exit, twin, metrics, systemctl: truth.systemctl };
  const codeOfLine = () => codesIn(at.line())[0] ?? '';
  const systemctl = await seen(codeOfLine, said, LATER_MS);
  assert.ok(said(systemctl), `systemctl says "${at.line()}", and status ${first || 'nothing'}`);
  return { status: first, exit, twin: isSilent && session !== 'open' ? 'stale' : twin, metrics, systemctl };
}
