import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Failed } from '../../../agent/cli/kit/command.ts';
import { Silence } from '../../../scripts/enrollment/silence.ts';
import { staged } from './stage.ts';

const ids = Array.from({ length: 100 }, (_, at) => `gw-${String(at + 1).padStart(3, '0')}`);
/** One device costs 7 s of pauses in an outage, so these would cost 700 s, and 1,000 of them two hours. */
const MOST_PAUSES_MS = 100_000;

const office = await staged();
for (const id of ids) {
  const { cert, thumbprint } = await office.simulator.clientIdentity(id);
  await office.simulator.writeDevice('hub1', id, thumbprint);
  await office.simulator.enrollIndividual({ registrationId: id, primary: cert });
}
afterEach(() => Promise.all((['dps', 'hub1'] as const).map((server) => office.simulator.lift(server, 'rest-status'))));

const calls = (since: number, pattern: RegExp): number =>
  office.simulator.log.since(since).filter(({ event, reason = '' }) => event === 'request' && pattern.test(reason))
    .length;

for (const [server, who] of [
  ['dps', 'DPS'],
  ['hub1', 'The hub'],
] as const) {
  test(`set-secondary of 100 devices, while ${server} is down: it sees that, and stops`, async () => {
    await office.simulator.lay(server, 'rest-status', { status: 503 });
    const { code, out, said, sleptMs } = await office.enroll(['set-secondary', ...ids, '--from-device'], {
      isHurried: true,
    });
    assert.equal(said.match(/is down: 8 calls in a row had no answer, so no more are begun/g)?.length, 1, said);
    assert.match(said, new RegExp(`The last one: ${who} refuses \\(503\\)`));
    assert.match(out, /\nNot begun, because the other side was down\. \(\d\d\)\n.*\n.*Repeat the same command/);
    assert.match(out, /\n100 devices: 0 written, 0 so already, 100 not\.\n$/);
    assert.equal(code, 1);
    assert.ok(sleptMs < MOST_PAUSES_MS, `${sleptMs} ms`);
  });
}

test('reprovision of 100 devices, when the hub goes down after the first ones: the others are for --retry', async () => {
  const { simulator } = office;
  const mark = simulator.log.entries.length;
  const file = join(office.directory, 'report.json');
  const goesDown = async () => {
    await simulator.log.waitFor({ event: 'request' }, 60_000, mark);
    await simulator.lay('hub1', 'rest-status', { status: 503 });
  };
  const argv = ['reprovision', ...ids, '--wait', '1', '--report', file];
  const [{ code, out, said, sleptMs }] = await Promise.all([office.enroll(argv, { isHurried: true }), goesDown()]);
  assert.equal(said.match(/is down: 8 calls in a row/g)?.length, 1, said);
  assert.match(out, /\n {4}\d\d {2}not begun, because the other side was down\n/);
  assert.match(out, new RegExp(`\n {2}enroll reprovision --retry ${file}\n100 devices: .* 100 not asked\\.\n$`));
  assert.equal(code, 1);
  assert.ok(sleptMs < MOST_PAUSES_MS, `${sleptMs} ms`);
  assert.equal(JSON.parse(await readFile(file, 'utf8')).sum['not-asked'], 100);
  await simulator.lift('hub1', 'rest-status');
  const retried = simulator.log.entries.length;
  await office.enroll(['reprovision', '--retry', file, '--yes', '--wait', '0', '--report', file]);
  assert.equal(calls(retried, /^POST \/twins\/[^/]+\/methods/), 100);
});

test('devices that are away are no outage, and one answer begins the count anew', async () => {
  const away = await office.enroll(['set-secondary', ...ids, '--from-device']);
  assert.match(away.out, /The device is not connected to the hub \(404103\)\. \(100\)/);
  assert.doesNotMatch(away.said, /is down/);
  const silence = new Silence();
  const fails = (statusCode?: number) => () =>
    Promise.reject(
      new Failed('No.', { cause: Object.assign(new Error('no'), statusCode && { response: { statusCode } }) }),
    );
  const met = async (works: readonly (() => Promise<unknown>)[]) => {
    for (const work of works) await silence.during(work).catch(() => undefined);
    return silence.isLasting;
  };
  const seven = Array.from({ length: 7 }, () => fails());
  assert.equal(await met([...seven, fails(504)]), false, 'one device does not answer');
  assert.equal(await met([...seven, fails(412)]), false, 'a refusal is an answer');
  assert.equal(await met([...seven, () => Promise.reject(new Failed('The device says no.'))]), false);
  assert.equal(await met([...seven, async () => undefined, fails(500)]), false);
  assert.equal(await met(seven), true);
  assert.match(silence.words, /The last one: No\.$/);
});
