import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { descriptorsOf } from '../bench/proc.ts';
import { ENVIRONMENT } from '../bench/stand.ts';
import { assertKept, queues } from '../e2e/stage/counting.ts';
import { withEnvironment } from '../put-back.ts';
import { startSimulator } from '../simulator/simulator.ts';
import { tinyDisk } from '../unit/state/tiny-disk.ts';
import { Member } from './member.ts';
import { growthOf, type Look, look } from './memory.ts';
import { Weather } from './weather.ts';

const MINUTES = Number(process.env.MINUTES ?? 60);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** So many; of the last two the disk is small, and of these and those before them the process may end. */
const [GATEWAYS, STEADY, SMALL] = [10, 5, 2];
const LOOKS_EVERY_MS = 20_000;
/** What the line through all looks at a daemon may gain over the run, in MiB: see "Pss_Anon gained" in test/bench/budgets.ts. */
const MOST_GAINED = 4;
/** The journal allows 75 minutes to a gateway that is let alone; a technician comes sooner. */
const ALONE_MS = 2 * MINUTE_MS;
const PATIENCE_MS = 10 * MINUTE_MS;

withEnvironment(ENVIRONMENT);

test(`${MINUTES} minutes of faults over ${GATEWAYS} gateways and two hubs: MINUTES=${MINUTES} SEED=${SEED}`, async (t) => {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) t.diagnostic('no disk is full in this run: a small file system needs root');
  const disks = isRoot ? Array.from({ length: SMALL }, () => tinyDisk(t, 'size=16m').path) : [];
  // A test within, so that the gateways are gone before their disks are.
  await t.test('all serve at the end, nothing acknowledged is lost, and memory is flat', (inner) => soak(inner, disks));
});

async function soak(t: TestContext, disks: readonly string[]): Promise<void> {
  const far = await startSimulator();
  t.after(() => far.close());
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const members = Array.from({ length: GATEWAYS }, (_, at) => {
    const disk = disks[GATEWAYS - 1 - at];
    const options = { isSteady: at < STEADY, ...(disk !== undefined && { disk }) };
    return new Member(`gw-${String(at + 1).padStart(4, '0')}`, far.endpoints, options);
  });
  t.after(() => Promise.all(members.map((member) => member.remove())));
  for (const member of members) await member.open();
  const steady = members.filter(({ isSteady }) => isSteady);
  const atFirst = steady.map(({ gateway }) => descriptorsOf(gateway.pid));

  const weather = new Weather(far, members, SEED);
  const began = performance.now();
  const end = began + MINUTES * MINUTE_MS;
  const looks = steady.map((): Look[] => []);
  try {
    await Promise.all([weather.blow(end), follow(steady, looks, began, end)]);
    const alone = await Promise.all(members.map((member) => serves(member, ALONE_MS)));
    t.diagnostic(`${alone.filter(Boolean).length} of ${GATEWAYS} serve by themselves within ${ALONE_MS / 1_000} s`);
    for (const [at, member] of members.entries()) {
      if (alone[at]) continue;
      t.diagnostic(`a technician calls reprovision: ${member.id} ${await told(member)}`);
      await member.gateway.post('/v1/reprovision');
    }
    for (const member of members) assert.ok(await serves(member, PATIENCE_MS), `${member.id} ${await told(member)}`);

    for (const { id, gateway } of members) {
      const { leaf } = await gateway.status();
      await gateway.post('/v1/roll', { id: `last-${id}` });
      const { last, leaf: next } = await gateway.until((now) => now.last?.id === `last-${id}`, PATIENCE_MS);
      assert.equal(last?.outcome, 'done', `${id} ${JSON.stringify(last)}`);
      assert.notEqual(next?.thumbprint, leaf?.thumbprint);
    }
    await Promise.all(members.flatMap(({ programs }) => programs.map((program) => program.finish(PATIENCE_MS))));
    for (const member of members) await assertWhole(t, member, far);
    for (const [at, member] of steady.entries()) assertFlat(t, member, looks[at] ?? [], atFirst[at] ?? 0);
  } catch (error) {
    t.diagnostic(weather.trail.join('\n'));
    throw error;
  }
  t.diagnostic([...weather.counts].map(([what, times]) => `${what} ${times}`).join(', '));
  const happened = (['connected', 'register', 'issued', 'telemetry'] as const).map(
    (event) => `${event} ${far.log.count({ event })}`,
  );
  t.diagnostic(`${happened.join(', ')}; ${members.flatMap(({ ends }) => ends).length} processes ended`);
}

/** Looks at the memory of each, until the moment. */
async function follow(steady: readonly Member[], looks: readonly Look[][], began: number, end: number): Promise<void> {
  while (performance.now() < end) {
    await Promise.all(
      steady.map(async ({ gateway, ends }, at) => {
        if (ends.length === 0) looks[at]?.push(await look(gateway.pid, (performance.now() - began) / HOUR_MS));
      }),
    );
    await pause(LOOKS_EVERY_MS);
  }
}

async function serves({ gateway }: Member, timeoutMs: number): Promise<boolean> {
  for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await pause(250)) {
    const status = await gateway.status().catch(() => undefined);
    if (status?.phase === 'serving' && status.online && status.request === undefined) return true;
  }
  return false;
}

const told = ({ gateway }: Member): Promise<string> =>
  gateway.status().then(
    ({ phase, online, trouble, request, next }) =>
      [phase, online ? 'online' : 'offline', trouble?.code, request?.action, next?.standing, next?.trouble?.code]
        .filter(Boolean)
        .join(', '),
    (error: Error) => error.message,
  );

/** Its programs have all they sent at the hubs, it has one key, and no process of it has crashed. */
async function assertWhole(t: TestContext, member: Member, far: Awaited<ReturnType<typeof startSimulator>>) {
  const { id, gateway, programs, ends } = member;
  for (const program of programs) {
    await queues(gateway, program.name, (queued) => queued === 0, PATIENCE_MS);
    const { arrived, twice } = await assertKept(far, id, program);
    assert.equal(arrived, program.sent, `${id} ${program.name}`);
    t.diagnostic(`${id} ${program.name}: ${arrived} arrived, ${twice} twice, ${program.losses} connections lost`);
  }
  assert.equal(gateway.token.privateKeys().length, 1, `${id} has ${gateway.token.privateKeys()}`);
  assert.deepEqual(gateway.log.matching({ event: 'crashed' }), [], id);
  assert.ok(!member.isGivenUp, `${id} ended with ${ends}`);
}

function assertFlat(t: TestContext, { id, gateway, ends }: Member, looks: readonly Look[], before: number): void {
  assert.deepEqual(ends, [], `${id} was to stay: ${gateway.noise}`);
  const { slope, gained, least, most } = growthOf(looks);
  const figures = `${least.toFixed(1)} to ${most.toFixed(1)} MiB, ${slope.toFixed(1)} MiB an hour, ${gained.toFixed(1)} in this run`;
  t.diagnostic(`${id}: ${figures}; ${before} descriptors, and ${descriptorsOf(gateway.pid)} at the end`);
  assert.ok(gained <= MOST_GAINED, `${id} grows: ${figures}`);
  assert.ok(descriptorsOf(gateway.pid) <= before + 2, `${id} keeps descriptors open`);
}
