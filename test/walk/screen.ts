import { exitOfStatus } from '../../agent/cli/status/wrong.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { failure } from '../../agent/failure/failure.ts';
import { presentOf, type Status } from '../../agent/roll/report.ts';
import { HOUR, type Holds, type Pair } from './pair.ts';
import { advance } from './step.ts';

/** The screen at this moment. */
export const statusOf = ({ state, terms, at, world }: Pair): Status =>
  presentOf(state, {
    version: '0',
    registrationId: 'gw-1',
    terms,
    now: at,
    others: world.isFull ? [failure('NL-STATE-WRITE')] : [],
  });

/** Status, exit code and the call for a person agree with the standing. */
export function checkScreen(pair: Pair, holds: Holds): void {
  const { state } = pair;
  const { phase, next } = state;
  const status = statusOf(pair);
  const { online, person, wrong } = status;
  const exit = exitOfStatus(status);
  const codes = wrong.map(({ code }) => code);
  holds(!person || codes.length > 0, 'where a person is needed, the screen says for what');
  const isAtWork = pair.flying.work !== undefined || pair.flying.session !== undefined;
  holds(online || exit !== EXIT.done || isAtWork, 'a gateway that is offline is at work, or not well');
  holds(phase !== 'stranded' || (person && exit === EXIT.person), 'a stranded gateway calls a person');
  const met = next?.rest && next.met;
  holds(met === undefined || codes.includes(met.code), 'the cause why a candidate waits is told');
  checkClock(pair, holds);
}

/** A clock that is set back while the process runs was ahead before: only the leaf's own beginning contradicts it. */
function checkClock(pair: Pair, holds: Holds): void {
  const { memory } = pair;
  const at = pair.at - HOUR / 2;
  if (memory.lastSeen !== pair.at || at < (memory.current?.notBefore ?? 0)) return;
  const set = advance({ ...pair, at }, { kind: 'woken', isSetBack: true }).pair;
  holds(statusOf(set).clock.credible, 'a clock that was set right is not said to be wrong');
}
