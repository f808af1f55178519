import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { namesOf } from '../../agent/cli/kit/tool.ts';
import { ENROLL } from '../../scripts/enrollment/commands.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Outside of the project: nothing of it may be found. */
const away = mkdtempSync(join(tmpdir(), 'operator-'));
const home = join(away, 'lib', 'node_modules', 'newleaf-enroll');
/** A command of the table after the short name of the program. */
const SHORT = new RegExp(`(?<![\\w-])enroll (${namesOf(ENROLL).join('|')})`);

const env = { PATH: `${join(away, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`, HOME: away };

function enroll(argv: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    const child = execFile('newleaf-enroll', argv, { cwd: away, env: { ...env, ...more } }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, said: `${out}${err}` }),
    );
  });
}

let simulator: Simulator;

suite("the operator's package", () => {
  before(async () => {
    simulator = await startSimulator();
    const file = execFileSync(join(ROOT, 'scripts', 'package'), ['operator'], { encoding: 'utf8' }).trim();
    // It has no dependencies: npm needs nothing but the file.
    const install = ['install', '--global', '--offline', '--prefix', away, join(ROOT, file)];
    execFileSync('npm', install, { cwd: away, env, stdio: 'pipe' });
  });
  after(async () => {
    await simulator.close();
    rmSync(away, { recursive: true });
  });

  test('has only what it needs, and its page is where man looks', () => {
    const files = readdirSync(home);
    const named = [
      'LICENSE',
      'README.md',
      'completion.bash',
      'newleaf-enroll.1',
      'newleaf-enroll.cdx.json',
      'notices.txt',
      'package.json',
    ];
    assert.deepEqual(files.filter((name) => !name.endsWith('.js')).sort(), named.sort());
    const { dependencies, engines } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
    assert.deepEqual([dependencies, engines], [undefined, { node: '>=20.19 <27' }]);
    assert.match(readFileSync(join(home, 'notices.txt'), 'utf8'), /^== @azure\/identity 4.*\(MIT\)$/m);
    const page = execFileSync('mandoc', ['-Tascii', '-l', join(away, 'share', 'man', 'man1', 'newleaf-enroll.1')], {
      encoding: 'utf8',
    });
    assert.match(page.replaceAll(/.[\b]/g, ''), /newleaf-enroll show group gateways/);
  });

  test('every help calls it by the name that it was called by', async () => {
    for (const argv of [['--help'], ...namesOf(ENROLL).map((name) => [...name.split(' '), '--help'])]) {
      const { code, said } = await enroll(argv);
      assert.match(said, /newleaf-enroll/);
      assert.doesNotMatch(said, SHORT);
      // A line to copy is not wrapped.
      const long = said.split('\n').filter((line) => line.length > 80 && !line.startsWith('  newleaf-enroll '));
      assert.deepEqual(long, []);
      assert.equal(code, 0);
    }
    assert.doesNotMatch(readFileSync(join(home, 'newleaf-enroll.1'), 'utf8').replaceAll('\\fB', ' '), SHORT);
  });

  test('no text of it has the short name', () => {
    // The verb, in the advice of codes: "enroll the leaf", "enroll what it prints".
    const texts = readdirSync(home).filter((name) => name.endsWith('.js'));
    for (const name of texts) {
      const found = readFileSync(join(home, name), 'utf8').match(
        /.{0,40}(?<![\w./-])enroll(?! the | what )(?![\w-]).{0,40}/g,
      );
      assert.equal(found, null, name);
    }
  });

  test('tells its version, and ends without a word where the reader has gone', async () => {
    const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
    for (const word of ['version', '--version']) {
      assert.match((await enroll([word])).said, new RegExp(`^newleaf-enroll ${version} \\(built \\d{4}-.*; node v`));
    }
    const told = execFileSync('bash', ['-c', '(newleaf-enroll --help | true) 2>&1'], { env, encoding: 'utf8' });
    assert.equal(told, '');
  });

  test('completes its commands in bash', () => {
    const ask = `source "$1"; COMP_WORDS=(newleaf-enroll add ''); COMP_CWORD=2; _newleaf-enroll; echo "\${COMPREPLY[@]}"`;
    const said = execFileSync('bash', ['--norc', '-c', ask, 'bash', join(home, 'completion.bash')], {
      encoding: 'utf8',
    });
    assert.equal(said, 'individual group\n');
  });

  test('works, and reads @azure/identity only for a login', async () => {
    const { trustPem, issuerPem, dpsService } = simulator.endpoints;
    writeFileSync(join(away, 'trust.pem'), trustPem);
    writeFileSync(join(away, 'issuer.pem'), issuerPem);
    const far = { NODE_EXTRA_CA_CERTS: join(away, 'trust.pem'), NEWLEAF_DPS_CONNECTION: dpsService };
    const host = { ...far, NEWLEAF_DPS_CONNECTION: /HostName=([^;]+)/.exec(dpsService)?.[1] };
    assert.match((await enroll(['show', 'group', 'g'], host)).said, /^The login to Entra ID failed: /);
    const parts = readdirSync(home).filter((name) => name.endsWith('.js') && name !== 'enroll.js');
    const [login = '', ...more] = parts.filter((name) =>
      readFileSync(join(home, name), 'utf8').includes('AzureCliCredential'),
    );
    assert.deepEqual(more, []);
    rmSync(join(home, login));
    assert.match((await enroll(['show', 'group', 'g'], host)).said, /Cannot find module/);
    const added = await enroll(['add', 'group', 'g', '--certificate', 'issuer.pem', '--yes'], far);
    assert.equal(added.code, 0, added.said);
    assert.equal(simulator.enrollments.get('g').status, 'enabled');
    const { code, said } = await enroll(['show', 'group', 'g'], far);
    assert.match(said, /^Enrollment group g\n.*enabled/);
    assert.equal(code, 0);
    const page = { ...far, NEWLEAF_HUB_CONNECTION: simulator.endpoints.hub1Service };
    const drawn = await enroll(['fleet', '--html', join(away, 'fleet.html')], page);
    assert.equal(drawn.code, 0, drawn.said);
    const html = readFileSync(join(away, 'fleet.html'), 'utf8');
    assert.ok(html.includes('<h1>Fleet of newleaf</h1>') && html.length > 100_000, `${html.length}`);
    assert.match((await enroll(['show', 'group', 'nosuch'], far)).said, /^DPS has no enrollment group "nosuch"\.$/m);
  });
});
