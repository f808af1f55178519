import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Authority } from '../../simulator/ca.ts';
import type { Entry } from '../../simulator/log.ts';
import { Crowd } from './crowd.ts';
import { Park } from './park.ts';

const LONG_MS = 300_000;
const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Requests that the hub turns down while it is down: of two operators, a quarter of a minute. */
const REFUSALS = 20;
const SITE = "tags.fleet = 'north'";
const WAVES = '--first 10 --next 10% --next rest --stop-after 3 --hold 1s --wait 180';

const names = Array.from({ length: 1_000 }, (_, at) => `truck-${String(at + 1).padStart(4, '0')}`);
/** A hundred daemons; three of them are in the first wave. */
const real = names.filter((name) => name.endsWith('8'));
const others = names.filter((name) => !name.endsWith('8'));

interface Ended {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

/** A line of an operator's shell, who says yes. */
class Typed {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;

  constructor(line: string, env: NodeJS.ProcessEnv, who = 'ana') {
    const XDG_STATE_HOME = join(env.XDG_STATE_HOME ?? '', who);
    this.child = spawn('bash', ['-c', `exec ${line} --yes`], {
      cwd: ROOT,
      env: { ...env, NEWLEAF_OPERATOR: who, XDG_STATE_HOME },
    });
    const text = { out: '', err: '' };
    this.child.stdout?.setEncoding('utf8').on('data', (part: string) => (text.out += part));
    this.child.stderr?.setEncoding('utf8').on('data', (part: string) => (text.err += part));
    this.ended = once(this.child, 'close').then(([code]) => ({ ...text, code }));
  }
}

/** The command that a screen prints, of those that have this in it. */
function printed({ out, err }: Ended, word: string): string {
  const line = out.split('\n').find((one) => one.startsWith('  scripts/enroll ') && one.includes(word));
  assert.ok(line !== undefined, `no ${word} in:\n${out}${err}`);
  return line.trim();
}

/** A job of this wave, as the hub is asked for it. */
const ofWave =
  (wave: number) =>
  ({ event, reason = '' }: Entry): boolean =>
    event === 'request' && reason.startsWith('PUT /jobs/v2/') && reason.includes(`-w${wave}-`);

test('1,000 gateways under a new CA in waves: wrong at first, then killed, gone on with by two, and the hub down', async (t) => {
  const began = performance.now();
  const park = await Park.open(t, real, { fleet: 'north' });
  const { far, fleet, env } = park;
  const types = async (line: string, who?: string): Promise<Ended> => new Typed(line, env, who).ended;
  const crowd = new Crowd(far, others, 'device CA intermediate 1', { fleet: 'north' });
  await Promise.all(real.map((name) => fleet.start(name)));
  await park.until(real, ({ phase }) => phase === 'serving', LONG_MS);
  const leafOf = (name: string) => park.twin(name).leaf?.thumbprint;
  const old = new Map(names.map((name) => [name, leafOf(name)]));
  const rolled = () => names.filter((name) => leafOf(name) !== old.get(name));
  const provisioned = performance.now();

  // The CA signs with its new intermediate, and the operator takes the file of another one.
  const [wrong, right] = [fleet.path('wrong.pem'), fleet.path('right.pem')];
  writeFileSync(wrong, (await Authority.create('another CA')).issuerPem);
  writeFileSync(right, await far.rollIssuer('intermediate'));
  far.enrollments.cas.trust(far.endpoints.estCaPem);
  crowd.issuer = 'device CA, rolled';
  crowd.refused.add(crowd.issuer);
  const first = await types(
    `scripts/enroll roll-group intermediate trucks --certificate ${wrong} --job "${SITE}" ${WAVES}`,
  );
  assert.match(first.out, /\nStopped in wave 1 of 3: \d+ of 10 that were asked are not well \(--stop-after 3\)\.\n/);
  assert.match(first.out, /\n990 devices of 1000 not asked\.\n$/);
  assert.equal(first.code, 1);
  assert.equal(far.log.count(ofWave(2)), 0);
  await park.until(real, ({ next }) => next === undefined || next.thumbprint !== undefined, LONG_MS);
  const parked = names.filter((name) => park.twin(name).next !== undefined);
  assert.deepEqual([parked.length, rolled()], [10, []]);

  // The cure, as the screen has it.
  const cure = printed(first, 'roll-group').replace('NAME', 'trucks').replace('CA.pem', right);
  assert.match((await types(cure)).out, /Both are admitted/);
  crowd.refused.clear();
  await types(printed(first, '--retry'));
  await park.until(parked, ({ next, last }) => next === undefined && last?.outcome === 'done', LONG_MS);
  assert.deepEqual(rolled(), parked);

  // The laptop dies in the second wave; two others go on, and the hub is down in the third.
  const on = printed(first, '--resume');
  const killed = new Typed(on, env);
  await Promise.race([far.log.waitFor(ofWave(2), LONG_MS), killed.ended.then(({ out }) => assert.fail(out))]);
  killed.child.kill('SIGKILL');
  await killed.ended;
  const both = ['ben', 'cara'].map((who) => types(on, who));
  await Promise.race([far.log.waitFor(ofWave(3), LONG_MS), Promise.any(both).then(({ out }) => assert.fail(out))]);
  // Some have begun then, and the others are not called.
  const mark = far.log.entries.length;
  await far.log.waitFor({ event: 'method-answer' }, LONG_MS, mark);
  await far.lay('hub1', 'rest-status', { status: 503, times: REFUSALS });
  await far.lay('hub1', 'port-closed');
  const refused = ({ event, reason }: Entry) => event === 'fault' && reason === 'rest-status';
  await far.log.waitFor((entry) => refused(entry) && far.log.since(mark).filter(refused).length === REFUSALS, LONG_MS);
  await far.lift('hub1', 'port-closed');
  for (const ended of await Promise.all(both)) {
    assert.match(ended.out, /\d+ devices proven of 1000 in 3 waves\.\n/, ended.err);
    assert.doesNotMatch(ended.out, /Stopped|of 1000 not asked/);
    // Those that were not connected then were not called. The screen says how, until they are back.
    for (let now = ended; now.code !== 0; ) now = await types(printed(now, '--retry'));
  }
  await park.until(real, ({ next, last }) => next === undefined && last?.outcome === 'done', LONG_MS);
  assert.deepEqual(rolled(), names);

  // Nothing twice: a second leaf for each, and no third one.
  const issued = real.map((name) => far.log.count({ event: 'issued', clientId: name }));
  assert.deepEqual(new Set([...issued, ...crowd.signed.values()]), new Set([2]));
  const keys = await fleet.keys();
  assert.deepEqual(keys.toSorted(), real.map((name) => `${name}-b`).toSorted());

  const done = await types(`scripts/enroll promote trucks --pem ${right} --job "${SITE}" ${WAVES}`);
  assert.match(done.out, /\n1000 devices proven of 1000 in 3 waves\.\n$/, `${done.out}${done.err}`);
  const seconds = (from: number, to: number) => ((to - from) / 1_000).toFixed(0);
  t.diagnostic(`${seconds(began, provisioned)} s to provision, ${seconds(provisioned, performance.now())} s to roll`);
});
