import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApart } from '../../../../agent/cli/proof/apart.ts';
import { startedBy } from '../../../../hsm/job.ts';
import { fault } from '../../state/disk.ts';

const NETWORK = { transport: 'auto', proxy_username: '', no_proxy: [] } as const;

const MODULE = '/usr/lib/module.so';
const PROMPT_MS = 60_000;

/** A process that does this with each question: `call` is the question, `tell` answers it. */
function apartBy(code: string, limitMs?: number) {
  const tell = `const tell = (said) => process.send({ number: call.number, isLast: false, ...said });`;
  startedBy([process.execPath, '-e', `process.on('message', (call) => { ${tell} ${code} })`, '--']);
  return createApart(MODULE, limitMs);
}

test('questions and answers, bytes among them', async (t) => {
  const apart = apartBy('tell({ value: [call.name, ...call.asked] })', PROMPT_MS);
  t.after(() => apart.end());
  const key = { label: 'a', id: '01', spki: Buffer.from('spki'), keyType: 'ec-p256' } as const;
  const both = await Promise.all([apart.ask('load', MODULE), apart.ask('sign', key, Buffer.from('x'))]);
  assert.deepEqual(both, [
    ['load', MODULE],
    ['sign', key, Buffer.from('x')],
  ]);
});

test('what the other process met is thrown here', async (t) => {
  const failure = { kind: 'broken', code: 'NL-TOKEN-PIN', message: 'No.', advice: 'Ask.' };
  const apart = apartBy(`tell({ failed: ${JSON.stringify(failure)} })`);
  t.after(() => apart.end());
  await assert.rejects(apart.ask('find', 'a'), (error) => fault('NL-TOKEN-PIN', /^No\.$/)(error));
});

test('a module that hangs is named, with what it was to do; its process is ended, and nothing else is asked', async () => {
  const apart = apartBy(`if (call.name === 'load') tell({ value: undefined }); else for (;;);`, 2_000);
  await apart.ask('load', MODULE);
  const hung = fault(
    'NL-TOKEN-HUNG',
    /^PKCS#11 module \/usr\/lib\/module\.so did not answer within 2 s when it signed for a TLS/,
  );
  const [first, second] = [apart.ask('shake', 'x', { id: '', chain: '', ca: '' }, NETWORK), apart.ask('find', 'a')];
  await Promise.all([assert.rejects(first, hung), assert.rejects(second, hung)]);
  await assert.rejects(apart.ask('load', MODULE), hung);
});

for (const [question, seconds] of [
  ['load', 20],
  ['sign', 60],
] as const) {
  test(`a module that takes ten seconds for each step is not said to hang: "${question}" has ${seconds} s`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const asked = apartBy('for (;;);').ask(question, ...([] as never));
    let isLate = false;
    asked.catch(() => {
      isLate = true;
    });
    t.mock.timers.tick((seconds - 1) * 1_000);
    await Promise.resolve();
    assert.equal(isLate, false);
    t.mock.timers.tick(1_000);
    await assert.rejects(asked, fault('NL-TOKEN-HUNG', new RegExp(`did not answer within ${seconds} s`)));
  });
}

const SLOT = { module: MODULE, token: 'x', uri: undefined, notes: '' };
type Apart = ReturnType<typeof createApart>;
const ENDS: readonly (readonly [code: string, ask: (apart: Apart) => Promise<unknown>, words: RegExp])[] = [
  [
    'process.kill(process.pid, "SIGSEGV")',
    (apart) => apart.ask('slot', SLOT),
    /^PKCS#11 module .* ended the process that had loaded it \(SIGSEGV\) when it was asked for its tokens\.$/,
  ],
  ['process.exit(3)', (apart) => apart.ask('load', MODULE), /\(exit code 3\) when it was loaded\.$/],
];
for (const [code, ask, words] of ENDS)
  test(`a module that ends its process: ${code}`, async () => {
    await assert.rejects(ask(apartBy(code, PROMPT_MS)), fault('NL-TOKEN-HUNG', words));
  });

test('a process that cannot be started', async () => {
  startedBy(['/absent/node']);
  const apart = createApart(MODULE, PROMPT_MS);
  await assert.rejects(apart.ask('load', MODULE), fault('NL-TOKEN-HUNG', /no process can be started \(spawn \/absent/));
});
