import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { Office } from '../unit/enroll/office.ts';
import type { Told } from '../unit/enroll/paper.ts';

const names = Array.from({ length: 10_000 }, (_, at) => `gateway-${String(at + 1).padStart(5, '0')}`);
const MOST_MS = 60_000;
/** 190 on a quiet machine; on a busy one the garbage waits. */
const MOST_MIB = 240;
const DAY_MS = 86_400_000;

let office: Office;
const work = new Map<string, number>();

/** A gateway that rolls at once. */
function gateway(
  id: string,
): (name: string, payload: unknown) => { readonly status: number; readonly payload: unknown } {
  const known = new Set<string>();
  return (_, payload) => {
    const { id: request, action } = payload as { readonly id: string; readonly action: string };
    if (known.has(request)) return { status: 200, payload: {} };
    known.add(request);
    work.set(id, (work.get(id) ?? 0) + 1);
    const last = { id: request, action, outcome: 'done', at: new Date().toISOString() };
    office.simulator.registries.hub1.patchReported(id, { newleaf: { last, leaf: { thumbprint: 'CD'.repeat(32) } } });
    return { status: 202, payload: { id: request } };
  };
}

before(async () => {
  office = await Office.open();
  const { simulator } = office;
  for (const [at, id] of names.entries()) {
    await simulator.writeDevice('hub1', id, 'AB'.repeat(32));
    simulator.stand('hub1', id, gateway(id));
    const notAfter = new Date(Date.now() + (at % 90) * DAY_MS).toISOString();
    simulator.registries.hub1.patchReported(id, {
      newleaf: {
        version: '0.1.0',
        phase: 'serving',
        leaf: { thumbprint: 'AB'.repeat(32), notAfter, label: 'newleaf-a', issuer: 'issuing CA 1' },
        assignment: { host: 'my-hub.azure-devices.net', deviceId: id },
        ...(at % 100 === 0 && { next: { thumbprint: 'EF'.repeat(32), standing: 'parked', code: 'NL-DPS-401002' } }),
        last: { id: 'r-1', action: 'roll', reason: 'due', outcome: 'done', at: new Date().toISOString() },
      },
    });
  }
});
after(() => office.close());

/** CPU and memory of the program since it began. */
function demandLight(context: TestContext, { cpuMs, peakMib }: Told): void {
  context.diagnostic(`${Math.round(cpuMs)} ms of CPU, ${Math.round(peakMib)} MiB at most`);
  assert.ok(cpuMs < MOST_MS, `${cpuMs} ms`);
  assert.ok(peakMib < MOST_MIB, `${peakMib} MiB`);
}

const queries = (since: number): number =>
  office.simulator.log
    .since(since)
    .filter(({ event, reason }) => event === 'request' && reason?.startsWith('POST /devices/query')).length;

test('list: a count, ten pages, and every device', async (context) => {
  const mark = office.simulator.log.entries.length;
  const told = await office.enroll(['list', 'devices', '--json']);
  assert.equal(JSON.parse(told.out).devices.length, 10_000);
  assert.equal(queries(mark), 11);
  demandLight(context, told);
});

test('fleet and its page: the same pages, with a bar', async (context) => {
  const mark = office.simulator.log.entries.length;
  const file = join(office.directory, 'fleet.html');
  const told = await office.enroll(['fleet', '--html', file], { isTTY: true });
  assert.match(told.out, /^devices {4}10000: 10000 connected.*\nphase {6}10000 serving\nnext leaf {2}100 parked\n/);
  assert.match(told.err, /read {4}\[#{24}\] 10000\/10000\n/);
  assert.equal(queries(mark), 11);
  assert.ok((await stat(file)).size < 3_000_000);
  demandLight(context, told);
});

test('a quota is waited for, as long as the hub asks', async (context) => {
  const { simulator } = office;
  await simulator.lay('hub1', 'rest-quota', { rate: 2, ms: 2_000 });
  context.after(() => simulator.lift('hub1', 'rest-quota'));
  const told = await office.enroll(['fleet', '--json']);
  assert.equal(JSON.parse(told.out).devices, 10_000);
  assert.ok(told.sleptMs >= 2_000);
});

test('waves: all are proven, each is asked once, and the first ones come first', async (context) => {
  for (const id of names) office.simulator.registries.hub1.patchReported(id, { newleaf: { next: null } });
  const mark = office.simulator.log.entries.length;
  const waves = ['--first', '10', '--next', '10%', '--next', 'rest', '--stop-after', '3'];
  const told = await office.second(['reprovision', '--job', '*', '--action', 'roll', '--yes', ...waves], {
    isHurried: true,
  });
  assert.match(told.out, /\n10000 devices proven of 10000 in 3 waves\.\n$/, told.err);
  assert.equal(work.size, 10_000);
  assert.ok([...work.values()].every((times) => times === 1));
  const jobs = office.simulator.log
    .since(mark)
    .flatMap(({ event, reason = '' }) => /PUT .*(-w\d+-\d+)\?/.exec(event === 'request' ? reason : '')?.[1] ?? []);
  assert.deepEqual(jobs, ['-w1-1', '-w2-1', '-w2-2', '-w2-3', '-w3-1']);
  demandLight(context, told);
});
