import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { WireAnswer } from '../../../agent/ask/wire.ts';
import { run } from '../../../agent/cli/request/ask.ts';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import type { OutcomeStatus, RequestStatus } from '../../../agent/roll/report.ts';
import { answering } from './answering.ts';
import { args, ended, NOW, stage, statusWith, THUMBPRINT } from './stage.ts';

const request: RequestStatus = {
  id: 'r1',
  action: 'roll',
  reason: 'asked',
  from: 'technician',
  at: new Date(NOW).toISOString(),
};

const gateway = (t: TestContext, ...answers: readonly WireAnswer[]) => answering(t, statusWith({ request }), answers);

const accepted: WireAnswer = { status: 202, body: { id: 'r1', phase: 'serving' } };
const busyWith = (id: string): WireAnswer => ({ status: 409, body: { id, ...failure('NL-BUSY') } });

describe('without --wait', () => {
  const budget = { retryAfterSeconds: 90, code: 'NL-BUDGET', message: 'The budget of this hour is spent.' };
  const rows: readonly (readonly [name: string, answer: WireAnswer, exit: number, said: RegExp])[] = [
    ['accepted', accepted, 0, /^Accepted as r1\. See it happen: `newleaf status --watch`\n$/],
    ['ended before', { status: 200, body: ended() }, 0, /^The roll r1 is done \(4\.30 s\)\.\n$/],
    [
      'kept',
      { status: 200, body: ended({ outcome: 'kept', ...failure('NL-HUB-REJECTED') }) },
      3,
      /previous leaf \(4\.30 s\)\.\nNL-HUB-REJECTED /,
    ],
    ['person', { status: 200, body: ended({ outcome: 'person' }) }, 4, /a person is needed/],
    ['failed', { status: 200, body: ended({ outcome: 'failed' }) }, 1, /is not done \(4\.30 s\)/],
    ['busy', busyWith('r9'), 1, /^NL-BUSY Another request is in flight\.\n→ .*newleaf status --watch/],
    [
      'needs a person',
      { status: 409, body: failure('NL-ISSUER-PERSON') },
      4,
      /^NL-ISSUER-PERSON .*\n→ Run `newleaf csr`/,
    ],
    [
      'over budget',
      { status: 429, body: budget },
      1,
      /^NL-BUDGET The budget of this hour is spent\.\n→ Ask again in 90 s\.\n$/,
    ],
    ['wrong field', { status: 400, body: { field: 'id', message: 'id must be short' } }, 2, /^id must be short\.\n$/],
    ['broken', { status: 500, body: failure('NL-STATE-WRITE') }, 1, /^NL-STATE-WRITE /],
    ['an answer from another world', { status: 418, body: [] }, 1, /^NL-INTERNAL The daemon answered 418\./],
  ];
  for (const [name, answer, exit, said] of rows) {
    test(name, async (t) => {
      const { config, asks } = await gateway(t, answer);
      const io = stage();
      assert.equal(await run(args('roll', '--id', 'r1', '--discard', '--config', config), io), exit);
      assert.match(io.out.text + io.err.text, said);
      assert.deepEqual(asks, [{ kind: 'roll', from: 'technician', id: 'r1', delayMs: 0, discard: true }]);
    });
  }
});

describe('with --wait', () => {
  test('tells what happens, and how it ends', async (t) => {
    const { config, become } = await gateway(t, accepted);
    const io = stage();
    const following = run(args('roll', '--wait', '--config', config), io);
    const trail = [{ at: request.at, from: 'serving', to: 'requesting-leaf', why: 'asked' }] as const;
    const outage = failure('NL-EST-UNREACHABLE');
    await become(statusWith({ request, trail }), { type: 'failed', effect: 'generate-key', ...outage });
    await io.out.shows('NL-EST-UNREACHABLE');
    const issued = {
      at: new Date(NOW + 3_000).toISOString(),
      from: 'requesting-leaf',
      to: 'serving',
      why: 'connected',
    } as const;
    const outcome = ended({ at: request.at, endedAt: issued.at });
    await become(statusWith({ outcomes: [outcome], trail: [issued, ...trail] }));
    assert.equal(await following, 0);
    assert.equal(
      io.out.text,
      `Accepted as r1.
          NL-EST-UNREACHABLE The EST server cannot be reached.
          → newleaf tries again by itself. Ctrl-C ends this wait only.
  3.00 s  waiting for the issuer to sign the next leaf: the hub accepted it
The roll r1 is done (3.00 s). hub-1.azure-devices.net accepted the leaf
${THUMBPRINT}.
`,
    );
    assert.equal(io.err.text, '');
  });

  test('--timeout ends the wait with 1, and not the request', async (t) => {
    const { config, become } = await gateway(t, accepted);
    const io = stage();
    const following = run(args('roll', '--wait', '--timeout', '1s', '--config', config), io);
    await become(statusWith({ request }));
    assert.equal(await following, 1);
    assert.match(
      io.err.text,
      /^Not finished in time\. In flight for [\d.]+ s: .*\sThe\srequest\sr1\sgoes\son\.\n→ [\s\S]*--id r1/s,
    );
  });

  for (const options of [
    ['--wait', '--timeout', 'soon'],
    ['--wait', '--timeout', '25day'],
    ['--timeout', '90s'],
  ]) {
    test(`${options.join(' ')}: nothing is asked for`, async (t) => {
      const { config, asks } = await gateway(t, accepted);
      const io = stage();
      assert.equal(await run(args('roll', ...options, '--config', config), io), 2);
      assert.match(io.err.text, /^--timeout /);
      assert.deepEqual(asks, []);
    });
  }

  for (const [outcome, exit] of [
    ['kept', 3],
    ['person', 4],
    ['failed', 1],
  ] as const) {
    test(`${outcome} ends with ${exit}, and says what to do`, async (t) => {
      const { config, become } = await gateway(t, accepted);
      const io = stage();
      const following = run(args('roll', '--wait', '--config', config), io);
      const { code, message, advice } = failure('NL-DPS-401002');
      await become(statusWith({ outcomes: [ended({ outcome, code, message, advice })] }));
      assert.equal(await following, exit);
      assert.match(io.err.text, /^NL-DPS-401002 DPS does not accept this leaf[\s\S]*→ Operator: enroll/);
    });
  }

  test('a candidate that is parked: where its PEM lies, and when it is asked for again', async (t) => {
    const { config, become, directory } = await gateway(t, accepted);
    const io = stage();
    const following = run(args('roll', '--wait', '--config', config), io);
    const { code, message, advice } = failure('NL-DPS-401002');
    const { leaf } = statusWith();
    assert.ok(leaf !== undefined);
    const askAt = new Date(NOW + 300_000).toISOString();
    const next = {
      slot: 'a',
      standing: 'parked',
      leaf,
      askAt,
      refusals: 1,
      trouble: { code, message, advice },
    } as const;
    await become(statusWith({ next, outcomes: [ended({ outcome: 'person', code, message, advice })] }));
    assert.equal(await following, 4);
    const said = io.err.text.replaceAll(/\s+/g, ' ');
    assert.match(
      said,
      /^NL-DPS-401002 .* → Operator: enroll this leaf \(.*\/state\/next\.pem\) .* again by itself in 5 min\. $/,
    );
    assert.ok(said.includes(directory));
  });

  test('a refusal on the way is told by what follows from it, not twice', async (t) => {
    const { config, become } = await gateway(t, accepted);
    const io = stage();
    const following = run(args('roll', '--wait', '--config', config), io);
    await become(statusWith({ request }), { type: 'failed', effect: 'generate-key', ...failure('NL-DPS-401002') });
    const newer = { code: 'NL-OF-TOMORROW' as Code, message: 'x', advice: 'y' };
    await become(statusWith({ outcomes: [ended()] }), { type: 'failed', effect: 'register', ...newer });
    assert.equal(await following, 0);
    assert.doesNotMatch(io.out.text, /NL-/);
  });

  test('follows the same work of somebody else', async (t) => {
    const { config, become, asks } = await gateway(t, busyWith('r1'));
    const io = stage();
    const following = run(args('roll', '--wait', '--config', config), io);
    await become(statusWith({ outcomes: [ended()] }));
    assert.equal(await following, 0);
    assert.equal(asks.length, 1);
    assert.match(io.out.text, /^Another request is in flight\. Following r1:\n/);
  });

  test('follows other work to its end, and then asks again', async (t) => {
    const { config, become, asks } = await gateway(t, busyWith('r1'), { status: 200, body: ended({ id: 'r2' }) });
    const io = stage();
    const following = run(args('roll', '--wait', '--config', config), io);
    await become(statusWith({ outcomes: [ended({ action: 're-register', outcome: 'failed' })] }));
    assert.equal(await following, 0);
    assert.equal(asks.length, 2);
    assert.match(io.out.text, /The roll r2 is done/);
  });

  test('a request that the daemon has lost does not wait for ever', async (t) => {
    const { config, become } = await gateway(t, accepted);
    const io = stage();
    const following = run(args('roll', '--wait', '--config', config), io);
    for (let looks = 0; looks < 3; looks += 1) await become(statusWith());
    assert.equal(await following, 1);
    assert.match(io.err.text, /^NL-INTERNAL The daemon no longer knows the request r1\./);
  });
});

test('a terminal shows what is being worked on, and keeps none of it', async (t) => {
  const { config, become } = await gateway(t, accepted);
  const io = stage({ LANG: 'C' }, true);
  const following = run(args('roll', '--wait', '--config', config), io);
  await io.out.shows('serving with the current leaf');
  await become(statusWith({ outcomes: [ended({ outcome: 'failed' } satisfies Partial<OutcomeStatus>)] }));
  assert.equal(await following, 1);
  const kept = io.out.text
    .split('\n')
    .map((line) => line.split('\r\u001b[K').at(-1))
    .join('\n');
  assert.equal(kept, 'Accepted as r1.\nThe roll r1 is not done (4.30 s).\n');
});
