import { type Calls, KINDS } from './calls.ts';
import type { End, Lane } from './lane.ts';
import { judgeAlive, judgeDead, judgeMessages } from './laws.ts';
import { machineNow } from './machine.ts';
import type { Tally } from './tally.ts';

/** How often a daemon that comes back is killed again. */
const AGAIN = 0.25;
/** How often a kill is a power cut. */
const POWER = 0.3;

/** One of the places, from each kind of call alike. */
function drawn(dice: () => number, { places }: Calls): number {
  const kinds = KINDS.filter((kind) => places[kind].length > 0);
  const from = places[kinds[Math.floor(dice() * kinds.length)] ?? 'state'];
  return from[Math.floor(dice() * from.length)] ?? 1;
}

const endOf = (dice: () => number): End =>
  dice() >= POWER ? 'kill' : dice() < 0.5 ? 'power, nothing else' : 'power, any part';

/** What is called in the whole story, and while the daemon starts. */
async function recorded(lane: Lane, dice: () => number): Promise<Readonly<Record<'story' | 'start', Calls>>> {
  await lane.play('whole', 0, 'kill', dice);
  const story = lane.places.calls;
  await lane.at.gateway.stop('SIGKILL');
  await lane.start(0, true);
  return { story, start: lane.places.calls };
}

/** Plays the story again and again, until so many kills have fallen. @throws at the first fault */
export async function play(lane: Lane, tally: Tally, kills: number, dice: () => number): Promise<void> {
  const { at, places, story } = lane;
  let where = 'without a kill';
  try {
    const calls = await recorded(lane, dice);
    for (let round = 1, left = kills; left > 0; round += 1) {
      let end = endOf(dice);
      let isKilled = await lane.play(`round-${round}`, drawn(dice, calls.story), end, dice);
      for (let isAgain = false; isKilled; isAgain = true) {
        left -= 1;
        where = `round ${round}, ${end} ${places.killedAt}`;
        tally.killed(places.killedAt, end, isAgain);
        await judgeDead(at, story, lane.hadLeaf);
        await story.heal?.(at);
        end = 'kill';
        const from = performance.now();
        isKilled = await lane.start(dice() < AGAIN ? drawn(dice, calls.start) : 0);
        if (!isKilled) tally.recovered(performance.now() - from);
      }
      places.arm(0);
      await story.mend?.(at, `mended-${round}`);
      await judgeAlive(at, story);
    }
    await judgeMessages(at);
  } catch (cause) {
    tally.fault(where, cause, `${at.gateway.log.tail()}\n${machineNow(at.gateway.pid)}`);
    throw cause;
  }
}
