import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { destroyJob, destroyKey } from '../../../hsm/destroy.ts';
import { startedBy } from '../../../hsm/job.ts';
import { scratch } from '../state/disk.ts';

const request = { module: '/absent.so', token: 'gw', pin: '271828', label: 'newleaf-a', id: '01' };

/** Asks a process that does this with what it is asked: `call` is the call, `tell` says something over the channel. */
function destroyBy(code: string, limitMs?: number): Promise<void> {
  const program = `const tell = (said, done) => process.send(said, done); process.on('message', (call) => { ${code} })`;
  startedBy([process.execPath, '-e', program, '--']);
  return destroyKey(request, limitMs);
}
const answer = (failed: object) =>
  `tell({ number: call.number, isLast: true, failed: ${JSON.stringify(failed)} }, () => process.exit())`;
const done = 'tell({ number: call.number, isLast: true, value: undefined }, () => process.exit())';

test('the child gets the request over the channel, and the PIN neither as argument nor in its environment', async () => {
  const code = `const leaked = JSON.stringify([process.argv, process.env]).includes('271828');
    const [{ pin, label, id }] = call.asked;
    const message = [leaked, process.argv.slice(-2), call.name, pin, label, id].join();
    tell({ number: call.number, isLast: true, failed: { kind: 'failed', code: 'SEEN', message } }, () => process.exit());`;
  await assert.rejects(destroyBy(code), { message: 'false,internal-work,destroy,destroy,271828,newleaf-a,01' });
});

test('success is success, also after other words on stdout and on the channel', async () => {
  const noise = `console.log('module: hello\\n{"kind":"done"}\\n{"x":1}'); tell({}); tell('x'); tell({ number: 99 });`;
  await destroyBy(`${noise} ${done}`);
});

test('what the child met is thrown here as it was there', async () => {
  const met = { kind: 'pin-locked', code: 'CKR_PIN_LOCKED', message: 'locked' };
  await assert.rejects(destroyBy(answer(met)), { name: 'TokenError', ...met });
});

test('a module that has lost its state in the child has not lost it here: no restart heals that', async () => {
  const met = { kind: 'poisoned', code: 'CKR_GENERAL_ERROR', message: 'lost' };
  await assert.rejects(destroyBy(answer(met)), { kind: 'failed', code: 'CKR_GENERAL_ERROR' });
});

const silent: readonly (readonly [string, RegExp])[] = [
  ['process.disconnect()', /^Destroying a key: its process ended without an answer: exit code 0\.$/],
  ['process.kill(process.pid, "SIGSEGV")', /without an answer: SIGSEGV/],
  ['tell({}); process.disconnect()', /without an answer/],
  [`tell({ number: 99, isLast: true, value: undefined }); process.disconnect()`, /without an answer/],
];

for (const [code, message] of silent) {
  test(`a child that does not answer (${code}) is a failure`, async () => {
    await assert.rejects(destroyBy(code), { name: 'TokenError', code: 'CHILD_ENDED', message });
  });
}

for (const [ends, met] of [
  [answer({ kind: 'failed', code: 'REFUSED', message: 'refused' }), { code: 'REFUSED' }],
  ['process.kill(process.pid, "SIGSEGV")', { code: 'CHILD_ENDED', message: /without an answer: SIGSEGV/ }],
] as const)
  test(`a module that forks holds nothing up: ${met.code}`, async (t) => {
    const file = join(scratch(t), 'pid');
    const forks = `const { pid } = require('child_process').spawn('sleep', ['600'], { stdio: ['ignore', 'ignore', 'ignore', 3] });
      require('fs').writeFileSync('${file}', String(pid));`;
    const begun = performance.now();
    await assert.rejects(destroyBy(`${forks} ${ends}`), met);
    process.kill(Number(readFileSync(file, 'utf8')));
    assert.ok(performance.now() - begun < 30_000, 'it has the channel, and lives on');
  });

test('a child that hangs is killed', async () => {
  const message = 'Destroying a key: nothing happened for 0.3 s, and its process was killed.';
  await assert.rejects(destroyBy('', 300), { kind: 'hung', code: 'CHILD_TIMEOUT', message });
});

test('an answer counts, and is handed on when its process has ended', async (t) => {
  const mark = join(scratch(t), 'ended');
  const answer = 'tell({ number: call.number, isLast: true, value: undefined });';
  const end = `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(mark)}, ''))`;
  await destroyBy(`${answer} ${end}; setTimeout(() => process.exit(), 200)`);
  assert.ok(existsSync(mark));
  // A module that keeps its process from ending.
  await destroyBy(answer, 3_000);
});

test('a program that does not exist is a failure', async () => {
  startedBy(['/absent/node']);
  await assert.rejects(destroyKey(request), { code: 'CHILD_ENDED', message: /ENOENT/ });
});

test('the child tells what it met, without the PIN, and ends after that', async () => {
  const error = await destroyJob.perform('destroy', [request]).catch((met: unknown) => met);
  const told = JSON.stringify(destroyJob.explain(error));
  assert.equal(JSON.parse(told).code, 'MODULE_NOT_LOADED');
  assert.ok(!told.includes('271828'));
  const nonsense = await destroyJob.perform('destroy', []).catch((met: unknown) => met);
  const fields = ['kind', 'code', 'message', 'advice', 'byPerson'];
  assert.deepEqual(Object.keys(destroyJob.explain(nonsense) as object), fields);
  assert.equal(destroyJob.ends, 'after one call');
});
