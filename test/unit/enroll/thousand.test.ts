import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Told } from './paper.ts';
import { stagedFleet } from './stage.ts';

const names = Array.from({ length: 1_000 }, (_, at) => `gw-${String(at + 1).padStart(4, '0')}`);
const online = names.slice(0, 200);
/** They come online after the first call. */
const late = names.slice(200, 230);
const missing = names.slice(200);
const ROWS = 24;
const COLUMNS = 80;

const { office, fleet } = await stagedFleet(names, online);
const report = join(office.directory, 'first.json');

/** What stays on a terminal of both streams: a line that is drawn over counts once. */
const screenOf = ({ out, err }: Told): string[] =>
  `${err}${out}`.split('\n').map((line) => line.split('\r\u001b[K').at(-1) ?? '');

const calls = (since: number): string[] =>
  office.simulator.log.since(since).flatMap(({ event, reason = '' }) => {
    const [, id] = /^POST \/twins\/([^/]+)\/methods/.exec(event === 'request' ? reason : '') ?? [];
    return id === undefined ? [] : [id];
  });

interface Document {
  readonly schema: number;
  readonly id: string;
  readonly action: string;
  readonly sum: object;
  readonly devices: readonly { readonly deviceId: string; readonly result: string; readonly code?: string }[];
}

test('200 of 1,000 are online: groups and sum fit on one screen, and the sum is next to the prompt', async () => {
  const told = await office.enroll(['reprovision', '--job', '*', '--action', 'roll', '--yes', '--report', report], {
    isTTY: true,
  });
  const screen = screenOf(told);
  assert.ok(screen.length <= ROWS, screen.join('\n'));
  assert.ok(
    screen.every((line) => line.length <= COLUMNS),
    screen.join('\n'),
  );
  assert.match(told.out, /\nNot asked:\n {3}800 {2}not connected \(404103\)\n {8}gw-0201, gw-0202, .* and 79\d more\n/);
  assert.match(told.out, /\n {2}enroll reprovision --retry \S+first\.json\n/);
  assert.match(told.out, /\n1000 devices: 200 came back, 0 otherwise, 0 did not come back, 800 not asked\.\n$/);
  assert.equal(told.code, 1);
});

test('the report has them all; --look tells the same of the job, as one JSON document', async () => {
  const written: Document = JSON.parse(await readFile(report, 'utf8'));
  assert.deepEqual([written.schema, written.action], [1, 'roll']);
  assert.deepEqual(written.sum, { devices: 1_000, done: 200, otherwise: 0, waiting: 0, 'not-asked': 800 });
  const { out, code } = await office.enroll(['reprovision', '--look', written.id, '--json']);
  const looked: Document = JSON.parse(out);
  assert.equal(code, 1);
  const byName = ({ devices }: Document) =>
    devices.toSorted((one, other) => one.deviceId.localeCompare(other.deviceId));
  assert.deepEqual(byName(looked), byName(written));
});

test('--retry calls those that are not done, and no others, with the action of before', async () => {
  await fleet.connect(late);
  const mark = office.simulator.log.entries.length;
  const second = join(office.directory, 'second.json');
  const { out, err, code } = await office.enroll([
    'reprovision',
    '--retry',
    report,
    '--yes',
    '--json',
    '--report',
    second,
  ]);
  assert.deepEqual(calls(mark).toSorted(), missing);
  const document: Document = JSON.parse(out);
  assert.equal(document.action, 'roll');
  assert.deepEqual(
    document.devices.filter(({ result }) => result === 'done').map(({ deviceId }) => deviceId),
    late,
  );
  assert.equal(
    document.devices.filter(({ result, code: why }) => result === 'not-asked' && why === '404103').length,
    770,
  );
  assert.match(err, /^Again, of enroll-roll-ana-\w+ \(20.*Z\): not done: 800 of 1000\.\n/);
  assert.equal(code, 1);
  assert.equal(await readFile(second, 'utf8'), out);
});

test('the list and the sum of the fleet go through all pages', async () => {
  const listed: Document = JSON.parse((await office.enroll(['list', 'devices', '--json'])).out);
  assert.deepEqual(
    listed.devices.map(({ deviceId }) => deviceId),
    names,
  );
  const { out } = await office.enroll(['fleet']);
  assert.match(out, /^devices {4}1000: 230 connected, 0 disabled, 770 without newleaf\nphase {6}230 serving\n/);
  assert.match(out, /\nlast {7}230 done\n/);
});
