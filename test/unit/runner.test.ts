import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'newleaf-runner-'));
after(() => rmSync(directory, { recursive: true }));

/** The names of all stages, as test/stages.sh defines them. */
const STAGES = Array.from(
  readFileSync(join(ROOT, 'test', 'stages.sh'), 'utf8').matchAll(/^stage_([\w-]+)\(/gm),
  ([, name]) => name ?? '',
);

/** A repository with the real scripts/test, whose stages do what is given, and by default nothing. */
function repository(name: string, stages: Readonly<Record<string, string>>): string {
  const place = join(directory, name);
  for (const folder of ['scripts', 'test']) mkdirSync(join(place, folder), { recursive: true });
  cpSync(join(ROOT, 'scripts', 'test'), join(place, 'scripts', 'test'));
  writeFileSync(join(place, 'scripts', 'prepare'), '#!/bin/sh\nmkdir -p .cache\n', { mode: 0o755 });
  writeFileSync(join(place, '.gitignore'), '.cache/\n');
  // A machine that allows everything.
  for (const [program, says] of Object.entries({ unshare: '', id: '0' }))
    writeFileSync(join(place, 'test', program), `#!/bin/sh\necho ${says}\n`, { mode: 0o755 });
  const bodies = STAGES.map((stage) => `stage_${stage}() { ${stages[stage] ?? ':'}; }\n`);
  writeFileSync(join(place, 'test', 'stages.sh'), bodies.join(''));
  const git = (...argv: readonly string[]) => execFileSync('git', ['-C', place, ...argv], { stdio: 'pipe' });
  git('init', '--quiet');
  git('add', '.');
  git('-c', 'user.name=a', '-c', 'user.email=a@b.invalid', 'commit', '--quiet', '--message', 'one');
  return place;
}

function run(place: string, ...argv: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(join(place, 'scripts', 'test'), argv, {
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: `${join(place, 'test')}:${process.env.PATH}`,
      npm_config_cafile: '',
      NODE_EXTRA_CA_CERTS: '/tester.pem',
      NODE_OPTIONS: '',
    },
  });
  return { status, stdout, stderr };
}

suite('scripts/test', () => {
  test('a stage that fails: its last lines name files, tests, and how to run one alone', () => {
    const failing = 'echo much; echo "test/unit/a.test.ts :: it adds" >"$FAILED/1"; return 3';
    const { status, stderr } = run(repository('failing', { contract: failing }), 'check', 'walk+contract', 'demo');
    assert.equal(status, 1);
    assert.equal(
      stderr,
      '== walk+contract failed\ntest/unit/a.test.ts :: it adds\nOne of them alone: node --import tsx --test test/unit/a.test.ts\n',
    );
  });

  test('what a tester has set for Node is not handed on', () => {
    const { stdout } = run(repository('clean', { check: 'echo "$npm_config_cafile:$(compgen -e NODE_):"' }), 'check');
    assert.match(stdout, /^\/tester\.pem::$/m);
  });

  test('a stage whose tests leave something in the places of the unit has failed', () => {
    const { status, stderr } = run(repository('left', { unit: 'places() { echo /left; }' }), 'check', 'unit');
    assert.equal(status, 1);
    assert.match(stderr, /on this machine, or taken away: \/left\. Before: .*\.\n== unit failed\n$/);
  });

  test('a stage that is unknown is named before anything is done', () => {
    const { status, stderr } = run(repository('unknown', {}), 'check', 'chek');
    assert.deepEqual({ status, stderr }, { status: 2, stderr: 'There is no stage chek: see test/README.md.\n' });
  });

  test('`all` goes on where it was interrupted, and `seen` is well once each stage has passed', () => {
    const place = repository('all', { soak: '[ -e .cache/mended ]', unit: 'echo x >>.cache/units' });
    assert.match(
      run(place, 'seen').stderr,
      /have not passed: check unit walk .* soak mutate\. To run them: scripts\/test all\n$/,
    );
    assert.match(run(place, 'all').stderr, /== soak failed/);
    assert.match(run(place, 'seen').stderr, /have not passed: soak mutate\./);
    writeFileSync(join(place, '.cache', 'mended'), '');
    assert.match(run(place, 'all').stdout, /== unit: seen before/);
    assert.equal(readFileSync(join(place, '.cache', 'units'), 'utf8'), 'x\n');
    const { status, stdout } = run(place, 'seen');
    assert.equal(status, 0);
    assert.match(stdout, /^check\t\d+ s\t\d{4}-.*Z\t\d+ x .*, Linux .*, Node v\d+/m);
  });

  test('what is not committed is not noted', () => {
    const place = repository('dirty', {});
    writeFileSync(join(place, 'scripts', 'more'), '');
    run(place, 'all');
    assert.equal(run(place, 'seen').stdout, '');
  });
});
