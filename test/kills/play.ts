import assert from 'node:assert/strict';
import { type Calls, KINDS } from './calls.ts';
import type { End, Lane } from './lane.ts';
import { judgeAlive, judgeDead, judgeMessages } from './laws.ts';
import { machineNow } from './machine.ts';
import { type Aim, NOWHERE } from './places.ts';
import type { Tally } from './tally.ts';

const AGAIN = 0.25;
/** How often a kill is a power cut. */
const POWER = 0.3;

type Recorded = Readonly<Record<'story' | 'start', Calls>>;

/** The fates of the rounds; it gets the number of kills that came of each. */
type Plan = (calls: Recorded, dice: () => number) => Generator<Fate, void, number>;

/** What becomes of a round. */
export interface Fate {
  readonly aim: Aim;
  readonly end: End;
  /** How often the daemon is killed again while it comes back. */
  readonly again: number;
}

/** One of the places, from each kind of call alike. */
function drawn(dice: () => number, { places }: Calls): Aim {
  const kinds = KINDS.filter((kind) => places[kind].length > 0);
  const from = places[kinds[Math.floor(dice() * kinds.length)] ?? 'state'];
  return { place: from[Math.floor(dice() * from.length)] ?? 1, among: 'all' };
}

const endOf = (dice: () => number): End =>
  dice() >= POWER ? 'kill' : dice() < 0.5 ? 'power, nothing else' : 'power, any part';

/** So many kills, at places that are drawn. */
export const drawnFates = (kills: number): Plan =>
  function* ({ story }, dice) {
    for (let left = kills; left > 0; left -= yield { aim: drawn(dice, story), end: endOf(dice), again: AGAIN });
  };

/**
 * Power is cut before each sync of the state directory, and after the last: without what was written since the one before, and
 * with any part of it.
 * @param most so many syncs, from the first to the last
 * @throws where not even half of them were met
 */
export const beforeEachSync = (most: number): Plan =>
  function* ({ story }) {
    // Nothing else syncs between the two sides of one, so those before it have odd numbers.
    const befores = Array.from({ length: story.syncs / 2 }, (_, index) => 2 * index + 1);
    const every = Math.ceil(befores.length / most);
    const places = [...befores.filter((_, index) => index % every === 0), story.syncs];
    let met = 0;
    for (const place of places)
      for (const end of ['power, nothing else', 'power, any part'] as const)
        met += yield { aim: { place, among: 'syncs' }, end, again: 0 };
    if (met < places.length) throw new Error(`${met} of ${2 * places.length} power cuts were met.`);
  };

/** What is called in the whole story, and while the daemon starts. Messages of programs are synced more often in a slow play than in another: the shorter of two counts. */
async function recorded(lane: Lane, dice: () => number): Promise<Recorded> {
  await lane.play('whole', NOWHERE, 'kill', dice);
  const one = lane.places.calls;
  await lane.story.mend?.(lane.at, 'whole-mended');
  await lane.play('whole-again', NOWHERE, 'kill', dice);
  const other = lane.places.calls;
  const story = one.syncs <= other.syncs ? one : other;
  await lane.at.gateway.stop('SIGKILL');
  await lane.start(NOWHERE, true);
  return { story, start: lane.places.calls };
}

const issuedBy = ({ far }: Lane['at']): number => far.log.count({ event: 'issued' });

/** Plays the story again and again, as it is planned. @throws at the first fault */
export async function play(lane: Lane, tally: Tally, plan: Plan, dice: () => number): Promise<void> {
  const { at, places, story } = lane;
  let where = 'without a kill';
  try {
    const calls = await recorded(lane, dice);
    const fates = plan(calls, dice);
    for (let round = 1, fate = fates.next(); fate.done !== true; round += 1) {
      const { aim, end, again } = fate.value;
      let kills = 0;
      const issued = issuedBy(at);
      let isKilled = await lane.play(`round-${round}`, aim, end, dice);
      while (isKilled) {
        const how = kills === 0 ? end : 'kill';
        where = `round ${round}, ${how} ${places.killedAt}`;
        tally.killed(places.killedAt, how, kills > 0);
        kills += 1;
        await judgeDead(at, story, lane.hadLeaf);
        await story.heal?.(at);
        const from = performance.now();
        isKilled = await lane.start(dice() < again ? drawn(dice, calls.start) : NOWHERE);
        if (!isKilled) tally.recovered(performance.now() - from);
      }
      places.arm(NOWHERE);
      await story.mend?.(at, `mended-${round}`);
      await judgeAlive(at, story);
      // Only an answer that was lost in a kill costs a further one.
      const leaves = issuedBy(at) - issued;
      assert.ok(leaves <= (story.leaves ?? 1) + kills, `${leaves} leaves`);
      fate = fates.next(kills);
    }
    await judgeMessages(at);
  } catch (cause) {
    tally.fault(where, cause, `${at.gateway.log.tail()}\n${machineNow(at.gateway.pid)}`);
    throw cause;
  }
}
