import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { memoryOf } from '../bench/proc.ts';
import type { Entry } from '../simulator/log.ts';
import { Terminal } from '../unit/terminal.ts';
import { histogram, peakOf } from './fleet/figures.ts';
import { Park } from './fleet/park.ts';
import { PATIENCE_MS } from './stage/site.ts';

const SIZE = 200;
/** Each gateway begins at a random moment within so many seconds. */
const DELAY = 25;
/** A machine that is busy with other things may need a multiple of what it needs alone. */
const LONG_MS = 240_000;
/** Five seconds, less a quarter of jitter. */
const LEAST_PAUSE_MS = 3_700;
const CTRL_C = '\u0003';
const ENROLL = join(import.meta.dirname, '..', '..', 'scripts', 'enroll');

const names = Array.from({ length: SIZE }, (_, at) => `truck-${String(at + 1).padStart(3, '0')}`);
/** Powered off before the job begins. */
const OFF = ['truck-017', 'truck-108'];
/** The operator has barred it from registering. */
const BARRED = 'truck-033';
/** The issuer refuses to sign for it. */
const UNSIGNED = 'truck-064';
/** Loses its power when it has taken the request, and before it begins. */
const CUT = 'truck-150';
const ailing = [...OFF, BARRED, UNSIGNED, CUT];
const well = names.filter((name) => !ailing.includes(name));

test('200 gateways rolled by one job: all come back, none registers twice, and who does not is named', async (t) => {
  const began = performance.now();
  const park = await Park.open(t, names, { fleet: 'north' });
  const { far, fleet, env } = park;
  await Promise.all(names.map((name) => fleet.start(name)));
  await park.until(names, ({ phase }) => phase === 'serving', LONG_MS);
  const provisioned = performance.now();
  assertOnce(park.since(0, 'register'), names);
  const old = new Map(names.map((name) => [name, park.twin(name).leaf?.thumbprint]));

  for (const name of OFF) await fleet.stop(name);
  await promisify(execFile)(ENROLL, ['disallow', 'member', BARRED, '--yes'], { env });
  await far.lay('est', 'est-status', { status: 403, cn: UNSIGNED });

  const mark = far.log.entries.length;
  const job = ['reprovision', '--job', "tags.fleet = 'north'", '--action', 'roll', '--delay', String(DELAY)];
  const operator = new Terminal(t, [ENROLL, ...job], { env });
  await sees(operator, /Call reprovision on 200 devices\? \[y\/N\] /, PATIENCE_MS);
  operator.type('y\n');
  await far.log.waitFor({ event: 'method-answer', clientId: CUT }, PATIENCE_MS, mark);
  await fleet.stop(CUT);
  await sees(operator, /back +\[[#█]+[.░]?\] 197\/198 {2}2 otherwise/, LONG_MS);
  const rolled = performance.now();
  operator.type(CTRL_C);
  assert.equal(await operator.ended, 1, operator.screen.text);
  assertTold(operator.screen.text.replaceAll('\r\n', '\n'));

  const registered = park.since(mark, 'register');
  assertOnce(registered, [...well, BARRED]);
  assertOnce(park.since(mark, 'issued'), [...well, BARRED]);
  for (const name of well) {
    const { thumbprint } = far.log.matching({ event: 'connected', clientId: name }).at(-1) ?? {};
    assert.notEqual(thumbprint, old.get(name), name);
    assert.equal(thumbprint, park.twin(name).leaf?.thumbprint, name);
  }
  const quarters = histogram(await delays(park, mark), DELAY * 1_000, 4);
  assert.ok(Math.min(...quarters) > SIZE / 16, `begun in each quarter of the delay: ${quarters}`);
  const moments = registered.map(({ at }) => at - (registered[0]?.at ?? 0));
  const peak = peakOf(moments);
  assert.ok(peak < SIZE / 2, `${peak} registrations within one second`);

  // With its power back, the gateway does what it has promised; the old keys of the others are gone by then.
  await fleet.start(CUT);
  const { last: request } = park.twin(well[0] ?? '');
  await park.until([CUT], ({ last }) => last?.id === request?.id && last?.outcome === 'done', LONG_MS);
  await park.until([...well, CUT], ({ phase }) => phase === 'serving', LONG_MS);
  assert.equal(park.since(mark, 'register').filter(({ clientId }) => clientId === CUT).length, 1);
  const kept = [...OFF, BARRED, UNSIGNED].map((name) => `${name}-a`);
  const made = [...well, CUT, BARRED, UNSIGNED].map((name) => `${name}-b`);
  assert.deepEqual((await fleet.keys()).toSorted(), [...kept, ...made].toSorted());

  const seconds = (from: number, to: number) => ((to - from) / 1_000).toFixed(1);
  const memory = fleet.hosts.map(({ pid }) => Math.round(memoryOf(pid).pss));
  const bySecond = histogram(moments, Math.ceil((moments.at(-1) ?? 0) / 1_000) * 1_000);
  for (const figure of [
    `${SIZE} gateways in ${memory.join(' + ')} MiB: provisioned in ${seconds(began, provisioned)} s`,
    `rolled in ${seconds(provisioned, rolled)} s with a delay of ${DELAY} s, begun by quarters of it: ${quarters}`,
    `${registered.length} registrations of ${well.length + 1} gateways, at most ${peak} within a second; by seconds: ${bySecond}`,
  ])
    t.diagnostic(figure);
});

/** Waits until it is on the screen. */
async function sees({ screen, ended }: Terminal, what: RegExp, timeoutMs: number): Promise<void> {
  await Promise.race([screen.shows(what), ended, pause(timeoutMs, undefined, { ref: false })]);
  assert.match(screen.text, what);
}

/** What the operator saw: how it went on, those that are not back by their reasons, and at the end how many are. */
function assertTold(text: string): void {
  assert.match(text, /asked +\[[#█]{24}\] 200\/200 {2}2 failed/);
  const back = [...text.matchAll(/back +\[[#█.░]{24}\] +(\d+)\/198/g)].map(([, count]) => Number(count));
  assert.deepEqual(
    back,
    back.toSorted((one, other) => one - other),
  );
  assert.ok(new Set(back).size > 5, `progress: ${back}`);

  const groups =
    /\nNot asked:\n {5}2 {2}not connected \(404103\)\n {8}truck-017, truck-108\nDid not come back within \d+ s:\n {5}1 {2}not connected\n {8}truck-150\nEnded otherwise:\n/;
  assert.match(text, groups);
  assert.match(text, /\n {5}1 {2}a person is needed \(NL-DPS-DISABLED\).*\n {8}truck-033\n/);
  assert.match(text, /\n {5}1 {2}on the previous leaf \(NL-EST-AUTH\)\n {8}truck-064\n/);
  const report = text.slice(text.indexOf('\nNot asked:'));
  assert.deepEqual(new Set(report.match(/truck-\d+/g)), new Set(ailing), 'nobody else is named');
  assert.match(text, /\n200 devices: 195 came back, 2 otherwise, 1 did not come back, 2 not asked\.\n$/);
}

/** How long each of those that are well took from its answer, as the hub saw it, to its beginning, in milliseconds. */
async function delays(park: Park, mark: number): Promise<number[]> {
  const answers = park.since(mark, 'method-answer');
  assert.deepEqual(new Set(answers.map(({ code }) => code)), new Set([202]));
  const answeredAt = new Map(answers.map(({ clientId, at }) => [clientId, at]));
  const statuses = await Promise.all(well.map((name) => park.fleet.status(name)));
  return statuses.map(({ registrationId, trail }) => {
    const beginning = trail.find(({ to, why }) => to === 'generating-key' && why === 'asked');
    return Date.parse(beginning?.at ?? '') - (answeredAt.get(registrationId) ?? 0);
  });
}

/**
 * Each of these did it once, and nobody else did. Where the machine is so busy that an answer comes after its deadline of
 * 30 s, a gateway asks again, as it should: then not before the pause that its ladder begins with.
 */
function assertOnce(entries: readonly Entry[], expected: readonly string[]): void {
  const last = new Map<string, number>();
  for (const { clientId = '', at } of entries) {
    const pause = at - (last.get(clientId) ?? Number.NEGATIVE_INFINITY);
    assert.ok(pause > LEAST_PAUSE_MS, `${clientId} again after ${Math.round(pause)} ms`);
    last.set(clientId, at);
  }
  assert.deepEqual([...last.keys()].toSorted(), expected.toSorted());
}
