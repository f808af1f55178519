import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OwnTerms } from '../../../agent/state/program-terms.ts';
import { diceOf } from '../../search/dice.ts';
import { ahead } from '../ahead.ts';
import { CLOSE } from './played-hub.ts';
import { DAY, HOUR, isPoison, MINUTE, SECOND, World } from './world.ts';

const FAULTS = [
  ...(['away', 'quota', 'late', 'mute', 'forgetful', 'deaf', 'flapping', 'roll', 'move', 'distant'] as const),
  ...(['none', 'none'] as const),
];
type Fault = (typeof FAULTS)[number];
const TERMS: readonly OwnTerms[] = [
  {},
  { priority: 'high' },
  { priority: 'bulk' },
  { rate: 1 },
  { rate: 3, priority: 'bulk' },
];
const C2D = 'devices/gw-0001/messages/devicebound/';

/** Half a day of faults, one after the other and two at once, then a good hub: the law holds. */
async function story(seed: number): Promise<World> {
  const dice = diceOf(seed);
  const among = (least: number, most: number) => least + dice() * (most - least);
  const names = ['one', 'two', 'three'].slice(0, 1 + Math.floor(dice() * 3));
  const termsOf = () => ({ ...TERMS[Math.floor(dice() * TERMS.length)] });
  const world = new World(names, 20, Object.fromEntries(names.map((name) => [name, termsOf()])));
  // Without one that the hub has taken since the start, a poison message and a used-up quota look the same for a while.
  await world.append('one', 'first');
  world.start();
  await world.pass(MINUTE);

  const active = new Set<Fault>();
  const listener = await world.client('one', 'devices/one/messages/devicebound/#');
  let jamEnd = 0;
  world.hub.verdict = (text) => {
    if (isPoison(text) || active.has('quota')) return CLOSE;
    if (active.has('mute') || (active.has('forgetful') && text.endsWith('7'))) return { of: 'mute' };
    if (!active.has('late')) return undefined;
    jamEnd = Math.max(jamEnd, world.at) + SECOND;
    return jamEnd - world.at > 25 * SECOND ? { of: 'close', afterMs: 6 * SECOND } : { of: 'take', afterMs: SECOND };
  };
  let sent = 0;
  const end = among(2, 12) * HOUR;
  while (world.at < end) {
    active.clear();
    for (const _ of [1, 2]) active.add(FAULTS[Math.floor(dice() * FAULTS.length)] ?? 'none');
    world.hub.rttMs = active.has('distant') ? among(500, 4_000) : among(10, 200);
    if (active.has('away')) world.leave();
    else if (!world.isReachable) world.comeBack();
    if (active.has('move')) world.deviceId = `gw-${seed}-${sent}`;
    const until = world.at + among(0.2, 60) * MINUTE;
    const everyMs = among(2, 300) * SECOND;
    while (world.at < until) {
      const program = world.programs[Math.floor(dice() * world.programs.length)]?.name ?? '';
      const burst = dice() < 0.1 ? Math.ceil(dice() * 40) : 1;
      const isBad = dice() < 0.02;
      for (let one = 0; one < burst; one += 1)
        await world.append(program, `${isBad && one === 0 ? 'bad' : 'm'}${sent++}`);
      const away = world.programs.at(-1)?.name ?? '';
      if (dice() < 0.3) await world.sendAway(away, `q${dice() < 0.03 ? 'bad' : ''}${sent}`);
      listener.isPrompt = !active.has('deaf');
      const { open } = world.hub;
      if (open !== undefined && dice() < 0.1)
        world.uplink.arrived(open, { topic: C2D, payload: Buffer.from(`${sent}`), qos: 1 })?.catch(() => {});
      await world.pass(among(0.5, 1.5) * everyMs);
      const isOpen = world.hub.open !== undefined;
      if (active.has('flapping') && dice() < 0.3) world.hub.open?.end();
      else if (isOpen && (active.has('roll') || active.has('move')) && dice() < 0.2) world.replace();
    }
  }
  active.clear();
  listener.isPrompt = true;
  world.hub.rttMs = 50;
  if (!world.isReachable) world.comeBack();
  // A poison message takes minutes, and there may be dozens.
  await world.pass(3 * DAY);
  return world;
}

const STORIES = Number(process.env.STORIES ?? 20);
const FIRST = Number(process.env.SEED ?? 1);

const told = await ahead(async () => {
  let set = 0;
  for (let seed = FIRST; seed < FIRST + STORIES; seed += 1) {
    const world = await story(seed).catch((cause) => assert.fail(`seed ${seed}: ${cause}`));
    try {
      world.hub.arrived.splice(
        0,
        world.hub.arrived.length,
        ...world.hub.arrived.filter(({ text }) => !text.startsWith('q')),
      );
      world.assertKept();

      const messages = [...world.appended.values()].flat().length;
      const bad = [...world.appended.values()].flat().filter(isPoison).length;
      const sessions = world.hub.sessions.length;
      assert.equal(world.setAside.length, bad);
      assert(world.sleeps < 40 * messages + 20 * sessions + 300, `${world.sleeps} sleeps for ${messages} messages`);
      assert(world.hub.publishes < 4 * messages + 30 * sessions, `${world.hub.publishes} publishes`);
      set += bad;
    } catch (error) {
      assert(error instanceof Error);
      error.message = `seed ${seed}: ${error.message}`;
      throw error;
    }
  }
  assert(STORIES < 20 || set > STORIES / 4, `${set} set aside: too few to prove something`);
});

test(`${STORIES} random stories: everything arrives in order, or is poison and set aside; no loop is busy`, told);
