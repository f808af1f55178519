import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { hearing } from '../../scripts/field/cloud/interruption.ts';
import { bodyInWords } from '../../scripts/field/cloud/probe.ts';
import type { Asked } from '../../scripts/field/cloud/question.ts';
import { textOf } from '../../scripts/field/cloud/report.ts';
import type { Run } from '../../scripts/field/cloud/report-head.ts';
import { inWords } from '../../scripts/field/cloud/screen.ts';
import { Misuse, told } from '../../scripts/field/cloud/told.ts';

const RUN: Run = {
  location: 'westeurope',
  parts: ['triggers', 'questions'],
  watchMs: 300_000,
  totals: { triggers: 2, stories: 9, questions: 1 },
  from: Date.UTC(2026, 10, 30, 11, 45),
  tookMs: 19_000,
  newleaf: '1.2.3',
  az: '2.67.0',
  end: 'played',
};
const COST = { dpsOperations: 3, hubMessages: 4 };
const LONG = 'enroll reprovision t-1 ended with 1, and not with 0.\nNot asked:\n  1 over its budget (429)\n\n1 !== 0';

const asked = (answer: Asked['answer']): Asked => ({
  question: { title: 'A question', of: ['retryAfter'], ask: () => Promise.reject(new Error('is not asked here')) },
  answer,
});
const report = (run: Partial<Run>, found: Partial<Parameters<typeof textOf>[0]> = {}): string =>
  textOf({ run: { ...RUN, ...run }, rows: [], asked: [], lags: [], tape: [], left: 'Nothing.', ...found }, COST);

suite('scripts/field/azure: its words', () => {
  for (const [argv, sentence] of [
    [['--location'], /^--location needs a value: --location REGION/],
    [['--location', '--yes'], /^--location needs a value/],
    [['--location='], /^--location needs a value/],
    [['--region', 'westeurope'], /^There is no option --region\. See: scripts\/field\/azure --help$/],
    [['-x'], /^There is no option -x\./],
    [['--location', 'westeurope', '--yes=no'], /^--yes takes no value\.$/],
    [['--location', 'westeurope', '--watch', 'long'], /^--watch is a number of seconds, and not "long"\.$/],
    [['--location', 'westeurope', 'songs'], /no "songs"/],
    [[], /`az account list-locations --query "\[\]\.name"`/],
  ] as const) {
    test(`${argv.join(' ') || 'nothing'}: a sentence`, () => {
      assert.throws(
        () => told(argv),
        (error) => error instanceof Misuse && sentence.test(error.message) && !error.message.includes('\n'),
      );
    });
  }

  test('--help, and what is played without a word', () => {
    assert.equal(told(['--help']), 'help');
    const options = told(['--location', 'westeurope']);
    assert.ok(options !== 'help' && options.watchMs === 300_000 && options.parts.length === 3 && !options.yes);
  });

  test('a signal within a second of the first one is the same Ctrl-C, a later one is a second', () => {
    let now = 5_000;
    const hear = hearing(() => now);
    assert.equal(hear(), 'first');
    for (const [ms, what] of [
      [0, 'echo'],
      [999, 'echo'],
      [1, 'second'],
    ] as const) {
      now += ms;
      assert.equal(hear(), what);
    }
  });

  test('times are in seconds until there is a minute', () => {
    assert.deepEqual([400, 19_400, 60_000, 185_000].map(inWords), ['0 s', '19 s', '1 min 0 s', '3 min 5 s']);
  });

  test('an answer in words: what it says, without IDs and times', () => {
    const state = { status: 'assigned', substatus: 'initialAssignment', etag: 'Ijc4', x509: {} };
    const body = { operationId: '5.09', status: 'assigned', registrationState: state };
    assert.deepEqual(bodyInWords(JSON.stringify(body)), ['status assigned', 'substatus initialAssignment']);
    assert.deepEqual(bodyInWords('"a text"'), ['"a text"']);
    assert.deepEqual(bodyInWords('<html>'), ['<html>']);
  });

  test('what did not hold is one sentence in its cell, and stands below in full', () => {
    const row = { part: 'triggers', title: 'A trigger', seconds: 1, failed: LONG } as const;
    const text = report({}, { rows: [row, { part: 'triggers', title: 'Another', seconds: 2 }] });
    assert.match(text, /^\| what \| seconds \| how it ended \|$/m);
    assert.match(
      text,
      /^\| A trigger \| 1\.0 \| did not hold: enroll reprovision t-1 ended with 1, and not with 0\. \|$/m,
    );
    assert.match(text, /^\| Another \| 2\.0 \| held \|$/m);
    assert.ok(text.includes(`### A trigger\n\n\`\`\`\`\n${LONG}\n\`\`\`\``), text);
  });

  test('what was not answered, or is open, is neither counted nor a verdict', () => {
    for (const answer of [{ failed: LONG }, { positions: {}, seen: 'nothing', open: 'open, as it was short' }]) {
      const text = report({}, { asked: [asked(answer)] });
      assert.match(text, /0 of 1 questions answered\.$/m);
      assert.doesNotMatch(text, /The simulator does the same|Other than/);
    }
    const text = report(
      {},
      { asked: [asked({ positions: { retryAfter: '0' }, seen: '202' }), asked({ failed: LONG })] },
    );
    assert.match(text, /^The simulator does the same by default\. Not all was answered\.$/m);
    assert.match(text, /^\| question \| switch of the simulator \| seen \|$/m);
  });

  test('the first lines say where it stopped, why, and what was not played', () => {
    const text = report({ end: 'failed', during: 'DPS', why: 'az iot dps create ended with 1:\nERROR: (409)' });
    const [title, first, why, facts] = text.split('\n\n');
    assert.equal(title, '# newleaf with the real Azure');
    assert.equal(
      first,
      'It stopped, at "DPS". Not played: triggers, questions. 0 of 2 triggers held, 0 of 1 questions answered.',
    );
    assert.match(why ?? '', /^````\naz iot dps create ended with 1:\nERROR: \(409\)\n````$/);
    assert.match(
      facts ?? '',
      /^- begun 2026-11-30 11:45:00 UTC, 19 s\n- newleaf 1\.2\.3\n- az 2\.67\.0\n- region westeurope/,
    );
    assert.doesNotMatch(text, /## (Triggers|Questions|How late)|wire\.jsonl/);
  });
});
