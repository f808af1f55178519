import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Counting, queues } from '../e2e/stage/counting.ts';
import type { Gateway } from '../e2e/stage/gateway.ts';
import { Flash } from './flash.ts';
import { REST_MS } from './growth.ts';
import { type Flat, type Look, longRun } from './long-run.ts';
import { curveOf } from './page.ts';
import { descriptorsOf, memoryOf } from './proc.ts';
import { type Reading, short } from './reading.ts';
import type { Stand } from './stand.ts';

/** What a gateway does in years. A part of it with `SHARE=0.1`. */
const SHARE = Number(process.env.SHARE ?? 1);
const ROLLS = 500 * SHARE;
/** By request, of which newleaf takes a thousand at once, then a thousand an hour. */
const RECONNECTS = 1_000 * SHARE;
const MESSAGES = 1_000_000 * SHARE;
const LOOKS = 10;
/** They may send faster than the rate of the uplink. */
const DRAINED_MS = 10 * 60_000;
const PROGRAMS = ['one', 'two', 'three', 'four', 'five'];

/** One daemon that rolls, connects anew and carries messages as often as in years: what grows, and what it leaves on the device. */
export async function months(stand: Stand): Promise<readonly Reading[]> {
  await stand.far.set({ answerAtOnce: true });
  const flash = Flash.open();
  const gateway = await stand.gateway('months', undefined, {
    'state.directory': JSON.stringify(`${flash.directory}/state`),
    'uplink.rate': '1000',
  });
  try {
    await stand.start(gateway);
    const look = () => lookAt(gateway, flash);
    const rolls = await inTurns('rolls', ROLLS, look, (from, to) => each(gateway, '/v1/roll', from, to));
    const reconnects = await inTurns('reconnects', RECONNECTS, look, (from, to) =>
      each(gateway, '/v1/reprovision', from, to),
    );
    const messages = await inTurns('messages', MESSAGES, look, await sending(gateway));
    const phases = [rolls, reconnects, messages];
    const [major] = process.versions.node.split('.');
    if (process.env.NEWLEAF_TEST_PLOT) {
      writeFileSync(join(import.meta.dirname, curveOf(`Node ${major}`)), longRun(phases));
    }
    return phases.flatMap(readings);
  } finally {
    await gateway.stop();
    flash.close();
  }
}

/** Does `most` of something in turns, and looks before the first and after each. */
async function inTurns(
  name: string,
  most: number,
  look: () => Promise<Look>,
  go: (from: number, to: number) => Promise<void>,
): Promise<Flat> {
  const looks = [{ done: 0, ...(await look()) }];
  for (let turn = 1; turn <= LOOKS; turn += 1) {
    const [from, to] = [turn - 1, turn].map((part) => Math.round((part * most) / LOOKS));
    await go(from ?? 0, to ?? 0);
    looks.push({ done: to ?? 0, ...(await look()) });
  }
  return { name, looks };
}

async function each(gateway: Gateway, path: '/v1/roll' | '/v1/reprovision', from: number, to: number): Promise<void> {
  for (let index = from; index < to; index += 1) {
    const since = gateway.log.lines.length;
    const id = `${path}-${index}`;
    for (;;) {
      const { status, body } = await gateway.post(path, { id });
      if (status < 300) break;
      if (status !== 429) throw new Error(`${status} ${JSON.stringify(body)}`);
      await pause(Number((body as { readonly retryAfterSeconds: number }).retryAfterSeconds) * 1_000);
    }
    await gateway.log.waitFor({ event: 'outcome', id }, { since });
  }
}

/** Five programs that send as fast as they get their PUBACKs. */
async function sending(gateway: Gateway) {
  const sockets = await Promise.all(PROGRAMS.map((name) => gateway.program(name)));
  return async (from: number, to: number) => {
    const programs = sockets.map(
      (socket, index) => new Counting(PROGRAMS[index] ?? '', socket, { everyMs: 2, window: 64, bodyBytes: 200 }),
    );
    while (programs.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0) < to - from) await pause(50);
    await Promise.all(programs.map((program) => program.finish()));
    for (const name of PROGRAMS) await queues(gateway, name, (queued) => queued === 0, DRAINED_MS);
  };
}

async function lookAt(gateway: Gateway, flash: Flash): Promise<Look> {
  await pause(REST_MS);
  const { anon, pss } = memoryOf(gateway.pid);
  return {
    anon,
    pss,
    descriptors: descriptorsOf(gateway.pid),
    objects: filesUnder(gateway.token.hsm.directory).filter((path) => path.endsWith('.object')).length,
    stateKb: filesUnder(join(flash.directory, 'state')).reduce((sum, path) => sum + statSync(path).size, 0) / 1_000,
    writtenKb: flash.written().bytes / 1_000,
  };
}

const filesUnder = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

/** From the end of the first tenth on: before, the heap grows to what it needs. */
function readings({ name, looks }: Flat): readonly Reading[] {
  const [start, settled, end] = [looks[0], looks[LOOKS / 10], looks.at(-1)];
  if (start === undefined || settled === undefined || end === undefined) return [];
  const by = `by ${end.done} ${name}`;
  const gained = (of: 'anon' | 'pss', unit: Reading['unit']): Reading => ({
    name: `${of === 'anon' ? 'Pss_Anon' : 'PSS'} gained ${by}`,
    value: end[of] - settled[of],
    unit,
    note: `${short(start[of])} before, ${short(end[of])} at the end`,
  });
  return [
    gained('anon', 'MiB'),
    gained('pss', 'MiB'),
    { name: `descriptors gained ${by}`, value: end.descriptors - settled.descriptors, unit: '' },
    { name: `objects in the token gained ${by}`, value: end.objects - settled.objects, unit: '' },
    { name: `state directory gained ${by}`, value: end.stateKb - settled.stateKb, unit: 'KB' },
    {
      name: `written to the device for each of ${end.done} ${name}`,
      value: (end.writtenKb - start.writtenKb) / end.done,
      unit: 'KB',
    },
  ];
}
