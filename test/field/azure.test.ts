import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { TRIGGERS } from '../../scripts/field/cloud/triggers.ts';
import { STORIES } from '../e2e/roll/stories.ts';
import type { Switches } from '../simulator/switches.ts';
import { type Ended, Subscription } from './subscription.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FILES = ['test/simulator/switches.ts', 'test/simulator/adr/switches.ts'];

/** Each switch that is asked about, in another position than by default. */
const OTHERWISE = {
  refusalShape: 'failed',
  disabledShape: 'failed',
  individualDecidesFor: 'held-leaf',
  infoAlone: 'may-move',
  expiredLeafAtDps: 'close',
  expiredIssuerAtDps: 'accept',
  enrolledIssuerMayBeLeftOut: false,
  chainMustReachVerifiedCa: false,
  neverPolicyRefreshesThumbprint: false,
  registrationEnablesDevice: true,
  secondDpsConnect: 'keep-both',
  retryAfter: '1',
  disabledConnack: 3,
  sessionsEndAtNotAfter: true,
  sixthSubscription: 'refuse',
  acksInOrder: false,
  oversizedReported: 400,
  dpsVersions: 'preview',
  hubVersions: 'classic',
} as const satisfies Partial<Switches>;

/** Nothing is left in Azure or on this machine, and no secret was shown to anybody. */
function assertClean(at: Subscription, { screen }: Ended): void {
  assert.deepEqual(at.cloud.groups, {}, screen);
  assert.deepEqual(at.rubbish, [], screen);
  assertSecret(at, screen, at.argv);
}

function assertSecret({ far, called }: Subscription, ...texts: readonly string[]): void {
  const { dpsService, hub1Service } = far.endpoints;
  for (const connection of [dpsService, hub1Service]) {
    const [, key = ''] = /SharedAccessKey=(.*)$/.exec(connection) ?? [];
    for (const text of [...texts, ...called.map(({ argv }) => argv.join(' '))]) {
      assert.ok(!text.includes(key) && !text.includes(encodeURIComponent(key)), 'a key was shown');
    }
  }
}

/** A line that ends in … says what has begun, and the next one how it ended. */
function assertTold(screen: string): void {
  const lines = screen.split('\n').flatMap((line) => /^\d\d:\d\d:\d\d (.*)$/.exec(line)?.[1] ?? []);
  const begun = [...lines.entries()].filter(([, line]) => line.endsWith(' …'));
  assert.ok(begun.length > TRIGGERS.length, screen);
  for (const [index, line] of begun) {
    const { [index + 1]: next = '' } = lines;
    // Behind a colon is how long it may take.
    const [longest, shorter] = [line.slice(0, -2), line.slice(0, Math.max(0, line.lastIndexOf(': ')))];
    const isEnd = next.startsWith(`${longest}: `) || (shorter !== '' && next.startsWith(`${shorter}: `));
    assert.ok(isEnd && !next.endsWith('…'), `${line}\n${next}`);
  }
}

/** The switches of the simulator in this tree, after the patch. */
function patched(at: Subscription): string {
  const tree = join(at.directory, 'tree');
  for (const file of FILES) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    cpSync(join(ROOT, file), join(tree, file));
  }
  writeFileSync(join(tree, 'patch'), at.report('switches.patch'));
  execFileSync('git', ['apply', 'patch'], {
    cwd: tree,
    env: { ...process.env, GIT_CEILING_DIRECTORIES: at.directory },
  });
  return FILES.map((file) => execFileSync('cat', [join(tree, file)], { encoding: 'utf8' })).join('');
}

suite('scripts/field/azure, to its end', () => {
  test('triggers, stories and questions: a report, the wire, and no patch where the simulator does the same', async (t) => {
    const at = await Subscription.open(t);
    const ended = await at.run(['--yes', '--watch', '2'], 'command').ended;
    assert.equal(ended.code, 0, `${ended.screen}${at.report('report.md')}`);
    assertClean(at, ended);
    const [report, wire] = [at.report('report.md'), at.report('wire.jsonl')];
    for (const { title } of [...TRIGGERS, ...Object.values(STORIES)]) {
      assert.match(
        report,
        new RegExp(`\\| ${title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')} \\| [\\d.]+ \\| held \\|`),
      );
    }
    assert.ok(!at.has('switches.patch'), 'nothing to apply');
    assert.doesNotMatch(report, /not answered|no position|operationId|etag/);
    assert.match(report, /The simulator does the same by default/);
    // Too short a watch leaves one open.
    assert.match(
      report,
      /^It was played to its end\. 6 of 6 triggers held, 9 of 9 stories held, 19 of 20 questions answered\.$/m,
    );
    assert.match(report, /sessionsEndAtNotAfter: open, as it was watched for 2 s and not for 300/);
    for (const fact of [
      /^- begun 20\S+ \S+ UTC, /m,
      /^- newleaf \d\S+, commit [0-9a-f]{40}/m,
      /^- az 2\.67\.0, azure-iot /m,
    ])
      assert.match(report, fact);
    assert.match(report, /^- region westeurope; played: triggers, stories, questions; --watch 2$/m);
    assertTold(ended.screen);
    assert.match(ended.screen, /A session whose leaf ends: it is watched until \d\d:\d\d:\d\d UTC/);
    // What each has said is in the wire: daemons with their keys in tokens, the operator, the probes.
    for (const who of ['newleaf run', 'enroll forget', 'probe']) assert.match(wire, new RegExp(`"who":"${who}`));
    assert.match(wire, /"topic":"\$dps\/registrations\/res\/401/);
    assert.match(wire, /HTTP\/1\.1 204/);
    assertSecret(at, report, wire);
    assert.match(at.argv, /enroll\.mjs forget/);
    assert.doesNotMatch(wire, /sig=(?!\*\*\*)/);
    assert.ok(/(\d+) were counted on the wire/.exec(report)?.[1] !== '0');
  });

  test('a service that does everything otherwise: the patch makes the simulator do it, too', async (t) => {
    const at = await Subscription.open(t, OTHERWISE);
    const ended = await at.run(['--yes', '--watch', '30', 'questions']).ended;
    assert.equal(ended.code, 0, ended.screen);
    assertClean(at, ended);
    const text = patched(at);
    const literal = (position: unknown): string => (typeof position === 'string' ? `'${position}'` : String(position));
    const missing = Object.entries(OTHERWISE).filter(
      ([name, position]) => !text.includes(`\n  ${name}: ${literal(position)},\n`),
    );
    assert.deepEqual(missing, [], at.report('report.md'));
  });
});
