import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { destroyFromStdin, destroyInChild } from '../../../hsm/destroy.ts';

const request = { module: '/absent.so', token: 'gw', pin: '271828', label: 'newleaf-a', id: '01' };
const child = (code: string): readonly string[] => [process.execPath, '-e', code];

test('the child gets the request through stdin, and the PIN neither as argument nor in its environment', async () => {
  const code = `let said = ''; process.stdin.on('data', (part) => (said += part)).on('end', () => {
    const leaked = JSON.stringify([process.argv, process.env]).includes('271828');
    const { pin, label, id } = JSON.parse(said);
    console.log(JSON.stringify({ kind: 'failed', code: 'SEEN', message: [leaked, pin, label, id].join() }));
  })`;
  await assert.rejects(destroyInChild(child(code), request), { message: 'false,271828,newleaf-a,01' });
});

test('success is success, also after other words on stdout', async () => {
  await destroyInChild(child(`console.log('module: hello\\n{"kind":"done"}\\n{"x":1}')`), request);
});

test('what the child met is thrown here as it was there', async () => {
  const answer = JSON.stringify({ kind: 'pin-locked', code: 'CKR_PIN_LOCKED', message: 'locked' });
  const code = `console.log(${JSON.stringify(answer)})`;
  const expected = { name: 'TokenError', kind: 'pin-locked', code: 'CKR_PIN_LOCKED', message: 'locked' };
  await assert.rejects(destroyInChild(child(code), request), expected);
});

test('a module that has lost its state in the child has not lost it here: no restart heals that', async () => {
  const answer = JSON.stringify({ kind: 'poisoned', code: 'CKR_GENERAL_ERROR', message: 'lost' });
  const code = `console.log(${JSON.stringify(answer)})`;
  await assert.rejects(destroyInChild(child(code), request), { kind: 'failed', code: 'CKR_GENERAL_ERROR' });
});

const silent: readonly (readonly [string, RegExp])[] = [
  ['', /without an answer: exit code 0/],
  ['process.exit(7)', /without an answer: exit code 7/],
  ['process.kill(process.pid, "SIGSEGV")', /without an answer: SIGSEGV/],
  ['console.log("{}")', /without an answer/],
  [`console.log('{"kind":"unheard of"}')`, /without an answer/],
];

for (const [code, message] of silent) {
  test(`a child that does not answer (${code || 'ends at once'}) is a failure`, async () => {
    await assert.rejects(destroyInChild(child(code), request), { name: 'TokenError', code: 'CHILD_ENDED', message });
  });
}

test('a child that hangs is killed', async () => {
  const code = 'setInterval(() => {}, 1000)';
  await assert.rejects(destroyInChild(child(code), request, 300), { kind: 'failed', code: 'CHILD_TIMEOUT' });
});

test('a command that does not exist is a failure', async () => {
  await assert.rejects(destroyInChild(['/absent/node'], request), { code: 'CHILD_ENDED', message: /ENOENT/ });
});

test('the body of the child answers in one line, whatever it was asked', async () => {
  for (const [asked, code] of [
    [JSON.stringify(request), 'MODULE_NOT_LOADED'],
    ['no JSON', 'FAILED'],
  ] as const) {
    const output = new PassThrough();
    await destroyFromStdin(Readable.from([asked]), output);
    output.end();
    const said = await text(output);
    assert.equal(said.trim().split('\n').length, 1);
    assert.equal(JSON.parse(said).code, code);
    assert.ok(!said.includes('271828'));
  }
});
