import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Park } from './fleet/park.ts';

const LONG_MS = 120_000;
const ENROLL = join(import.meta.dirname, '..', '..', 'scripts', 'enroll');
const names = Array.from({ length: 12 }, (_, at) => `truck-${String(at + 1).padStart(2, '0')}`);
const SITE = "tags.site = 'north'";
const WAVES = ['--first', '2', '--then', 'rest', '--hold', '1s', '--wait', '60'];

test('twelve gateways, and an intermediate that DPS does not know: two are parked, and the cure brings all back', async (t) => {
  const park = await Park.open(t, names, { site: 'north' });
  const { far, fleet, env } = park;
  const enroll = (...argv: string[]) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      const child = execFile(ENROLL, [...argv, '--yes'], { env: { ...env, LC_ALL: 'C' } }, (_, out, err) =>
        resolve({ code: child.exitCode ?? -1, out, err }),
      );
    });
  far.enrollments.cas.trust(far.endpoints.estCaPem);
  await Promise.all(names.map((name) => fleet.start(name)));
  await park.until(names, ({ phase }) => phase === 'serving', LONG_MS);
  const old = new Map(names.map((name) => [name, park.twin(name).leaf?.thumbprint]));
  const rolled = () => names.filter((name) => park.twin(name).leaf?.thumbprint !== old.get(name));

  const two = fleet.path('two.pem');
  writeFileSync(two, await far.rollIssuer('intermediate'));
  const first = await enroll('reprovision', '--job', SITE, '--action', 'roll', ...WAVES);
  assert.match(
    first.out,
    /\nStopped in wave 1 of 2: [12] of 2 that were asked (is|are) not well \(--stop-after 1\)\.\n/,
  );
  assert.match(first.out, /\n10 devices of 12 not asked\.\n$/);
  assert.equal(first.code, 1);
  const id = /--resume (\S+)/.exec(first.out)?.[1] ?? 'none';
  await park.until(names, ({ next }) => next === undefined || next.thumbprint !== undefined, LONG_MS);
  const parked = names.filter((name) => park.twin(name).next !== undefined);
  assert.equal(parked.length, 2);
  assert.deepEqual(rolled(), []);

  // The cure: the CA that issued the new leaves is enrolled; those that wait are called again, and the others after them.
  assert.equal((await enroll('roll-group', 'intermediate', 'trucks', '--certificate', two)).code, 0);
  const again = await enroll('reprovision', ...parked);
  assert.match(again.out, /\n2 devices: 2 came back/);
  const rest = await enroll('reprovision', '--resume', id);
  assert.match(rest.out, /\n?12 devices proven of 12 in 2 waves\.\n$/, `${rest.out}${rest.err}`);
  assert.equal(rest.code, 0);
  assert.deepEqual(rolled(), names);
  assert.deepEqual(park.since(0, 'issued').length, 2 * names.length, 'each has rolled once');
});
