import { Fault } from '../../failure/failure.ts';
import { complaint, type Io } from '../kit/command.ts';
import { redraw, screenOf } from '../kit/screen.ts';
import { localSecond } from '../moment.ts';
import { pulse } from '../request/pulse.ts';
import { troublesOf } from '../uplink/words.ts';
import { LEAVE, roomOf } from './advise.ts';
import type { DaemonHere } from './daemon-place.ts';
import { type GatewayStatus, present } from './present.ts';
import { renderStatus, statusLine } from './screen.ts';

const MINUTE_MS = 60_000;

export interface Watched extends DaemonHere {
  readonly isJson: boolean;
}

/**
 * `newleaf status --watch`, until it is interrupted. A terminal is drawn over; elsewhere a line is printed for each change
 * (of JSON: each status). It outlives the daemon: one that goes away may come back.
 * @throws Fault NL-CONTROL-DENIED, NL-INTERNAL
 */
export async function watch(watched: Watched, io: Io): Promise<never> {
  const { socket, isJson } = watched;
  const isDrawn = io.out.isTTY === true && !isJson;
  const tell = isDrawn ? drawing(watched, io) : isJson ? jsonLines(io) : lines(io);
  let seen: GatewayStatus | Fault | undefined;
  if (isDrawn) io.out.on?.('resize', () => seen !== undefined && tell(seen, true));
  for await (const _ of pulse({ socket, everyMs: MINUTE_MS })) {
    seen = await present(watched);
    tell(seen, false);
  }
  throw new Error('the pulse has no end');
}

type Tell = (seen: GatewayStatus | Fault, isResized: boolean) => void;

/** Draws anew at every look, even without a change: the times are relative to now. */
function drawing({ directory }: Watched, { out, env }: Io): Tell {
  let isFirst = true;
  return (seen, isResized) => {
    const screen = screenOf(out, env);
    const around = { directory, room: roomOf(out), isWatched: true } as const;
    const text =
      seen instanceof Fault ? `${complaint(seen.failure, screen)}\n${LEAVE}\n` : renderStatus(seen, screen, around);
    // A narrower terminal wraps the old lines in its own way.
    out.write(redraw(text, out, isFirst || isResized));
    isFirst = false;
  };
}

/** For a log, or for `grep`. */
function lines({ out, env, now }: Io): Tell {
  let before: string | undefined;
  return (seen) => {
    const screen = screenOf(out, env);
    const line = seen instanceof Fault ? `${seen.failure.code} ${seen.failure.message}` : statusLine(seen, screen);
    if (line !== before) out.write(`${localSecond(now())}  ${line}\n`);
    before = line;
  };
}

/** For programs. Prints nothing while the daemon is away. */
function jsonLines({ out }: Io): Tell {
  let before: string | undefined;
  return (seen) => {
    if (seen instanceof Fault) return;
    // The counts of a busy program would be a change at every look.
    const uplink = seen.uplink && troublesOf(seen.uplink);
    const told = JSON.stringify({ ...seen, at: undefined, heardAt: undefined, uplink });
    if (told !== before) out.write(`${JSON.stringify(seen)}\n`);
    before = told;
  };
}
