import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { assertKept, Counting, drained } from '../stage/counting.ts';
import { serving } from '../stage/site.ts';

type Site = Awaited<ReturnType<typeof serving>>;

const ID = 'gw-0001';
/** `KILLS=200 node --import tsx --test test/e2e/uplink/kills.test.ts` takes two minutes: the figure in the README. */
const KILLS = Number(process.env.KILLS ?? 12);
/** A kill falls anywhere within this time after the daemon has begun to serve, in milliseconds. */
const WITHIN_MS = 600;
/** At most so many messages are on their way to the hub at once, and so many PUBACKs on their way to disk. */
const TWICE_A_KILL = 16 + 64;
/** What goes on when the kill comes: of four lives, one has a roll, and two a hub that is slow, or away for a connection. */
const TROUBLES = [
  async ({ gateway }: Site, kill: number) => void (await gateway.post('/v1/roll', { id: `roll-${kill}` })),
  ({ far }: Site) => far.lay('hub1', 'puback-delay', { ms: 250, times: 20 }),
  ({ far }: Site) => far.lay('hub1', 'connack', { code: 3, times: 1 }),
  async () => {},
];

test(`${KILLS} times kill -9, with rolls and faults of the hub: what was acknowledged arrives, in order`, async (t) => {
  const site = await serving(t, { settings: { 'uplink.rate': '1000' } });
  const { far, gateway } = site;
  const programs = await Promise.all(
    ['sensors', 'meter'].map(async (name) => new Counting(name, await gateway.program(name), { everyMs: 5 })),
  );
  t.after(() => {
    for (const program of programs) program.stop();
  });
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await TROUBLES[kill % TROUBLES.length]?.(site, kill);
    await pause(Math.random() * WITHIN_MS);
    assert.equal(await gateway.stop('SIGKILL'), 'SIGKILL');
    await gateway.start();
  }
  await gateway.settled();
  for (const program of programs) {
    await program.finish();
    await drained(gateway, program.name);
    const { arrived, twice } = await assertKept(far, ID, program);
    assert.equal(arrived, program.sent, 'the program sent again what had no PUBACK');
    assert.ok(twice <= KILLS * TWICE_A_KILL, `${twice} twice`);
    t.diagnostic(`${program.name}: ${arrived} sent, ${twice} twice, ${program.losses} connections lost`);
  }
  assert.deepEqual(gateway.log.matching({ event: 'crashed' }), []);
  t.diagnostic(`${far.log.registrations(ID)} registrations`);
});
