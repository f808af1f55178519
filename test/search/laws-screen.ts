import { exitOfStatus } from '../../agent/cli/status/wrong.ts';
import type { Code } from '../../agent/failure/failure.ts';
import type { Status } from '../../agent/roll/report.ts';
import { undestroyedIn } from '../../agent/roll/undestroyed.ts';
import { DEEDS } from './deeds.ts';
import { type Gateway, HOUR, MINUTE } from './gateway.ts';
import type { Law } from './laws-late.ts';
import { enroll } from './people.ts';
import { helpWith } from './rest.ts';

/** What `status` says, as its reader has it. */
export async function statusOf({ daemon }: Gateway): Promise<Status | undefined> {
  const answer = await daemon?.answer({ kind: 'status' });
  return answer?.is === 'status' ? answer.status : undefined;
}

const codesOf = ({ wrong }: Status): string => wrong.map(({ code }) => code).join(', ') || 'nothing';

/** Two ladders of a connection, and what comes before them, have been climbed. */
const SILENT_MS = 12 * MINUTE;
/** What goes well at this moment, after the last failure, is not told yet to be wrong. */
const NOW_MS = 2 * MINUTE;

/** While the gateway is offline its screen says why, and the exit code of `newleaf status` is not 0. */
export function offlineIsTold(): Law {
  let begun = { process: 0, at: 0 };
  let untoldAt: number | undefined;
  return ({ world, clock, isOnline }, status) => {
    const now = clock.monotonic();
    if (begun.process !== world.process) begun = { process: world.process, at: now };
    const since = Math.max(begun.at, world.servedUntil, ...clock.steps.slice(-1));
    const exit = exitOfStatus(status);
    const isTold = status.wrong.length > 0 && exit !== 0;
    if (isOnline || isTold || now - since < SILENT_MS) untoldAt = undefined;
    else untoldAt ??= now;
    if (untoldAt === undefined || now - untoldAt < NOW_MS) return undefined;
    return `offline for long, and status says ${codesOf(status)} and exits with ${exit}: ${status.phase}`;
  };
}

/** Within an hour after all is well nothing is told to be wrong, and no person is called. @returns the law where it is broken */
export async function nothingIsTold(gateway: Gateway, look: () => Promise<void>): Promise<string | undefined> {
  const { clock, broken, world } = gateway;
  const { current } = gateway.state;
  // A session outlives its key: not all is well then.
  if (current === undefined || !world.canSignAnew(current.key)) return undefined;
  // The world issues by the clock of the gateway: by one that is right again, such a leaf begins later.
  if (current.notBefore > clock.now()) return undefined;
  const helped = new Set<string>();
  for (let end = clock.monotonic() + HOUR; broken.length === 0; ) {
    const status = await statusOf(gateway);
    if (status !== undefined && isClear(status)) return undefined;
    if (clock.monotonic() >= end) {
      if (status === undefined) return 'an hour after all is well no process runs';
      const exit = exitOfStatus(status);
      return `an hour after all is well status says ${codesOf(status)} and exits with ${exit}: ${status.phase}`;
    }
    for (const { code } of status?.wrong ?? []) if (!helped.has(code)) followed(gateway, code);
    for (const { code } of status?.wrong ?? []) helped.add(code);
    enroll(gateway);
    await clock.pass(MINUTE);
    await look();
  }
  return undefined;
}

const isClear = (status: Status): boolean =>
  status.wrong.length === 0 && !status.person && (!status.online || exitOfStatus(status) === 0);

/** A person reads what is wrong, and does it. */
function followed(gateway: Gateway, code: Code): void {
  // The advice for a key that the token has not destroyed: newleaf is started again.
  if (code === 'NL-TOKEN-FAILED' && undestroyedIn(gateway.state) !== undefined) gateway.cutPower();
  else helpWith(gateway, code)?.();
  // Who asked for a CSR, and got none, asks again.
  if (code === 'NL-TOKEN-OCCUPIED') void DEEDS.csr(gateway);
}
