import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import type { Metafile } from 'esbuild';
import { bundle, bundleApart, packageOf } from '../../scripts/build.ts';
import { call, serving, written } from './hub/hub-side.ts';
import { LOOPBACK, TestCa } from './mqtt/certificates.ts';
import { FarSide } from './mqtt/far-side.ts';

const root = join(import.meta.dirname, '..', '..');
/** Outside of the project: the bundle must find everything beside itself. */
const directory = mkdtempSync(join(tmpdir(), 'newleaf-dist-'));
after(() => rmSync(directory, { recursive: true }));

/** Everything that may go into the package. A new one must show its weight first. */
const ALLOWED = [
  '@pinojs/redact',
  'asn1js',
  'atomic-sleep',
  'azure-iot-common',
  'azure-iot-device',
  'azure-iot-device-mqtt',
  'azure-iot-http-base',
  'azure-iot-mqtt-base',
  'azure-iot-provisioning-device',
  'azure-iot-provisioning-device-http',
  'azure-iot-provisioning-device-mqtt',
  'bl',
  'lru-cache',
  'machina',
  'mqtt',
  'mqtt-packet',
  'on-exit-leak-free',
  'pino',
  'pino-std-serializers',
  'pkcs11js',
  'pvtsutils',
  'pvutils',
  'quick-format-unescaped',
  'reinterval',
  'rfdc',
  'safe-stable-stringify',
  'smol-toml',
  'sonic-boom',
  'tslib',
  'valibot',
  'yallist',
];

/** What went in, by package; a package that is there twice has two directories. */
function contents(metafile: Metafile): { packages: Set<string>; directories: Set<string> } {
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const directories = inputs.flatMap((path) => /.*node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(path)?.[0] ?? []);
  return { packages: new Set(inputs.flatMap((path) => packageOf(path) ?? [])), directories: new Set(directories) };
}

const main = join(root, 'agent', 'main.ts');

for (const entry of [join(import.meta.dirname, 'bundle-entry.ts'), main].filter((path) => existsSync(path))) {
  test(`${entry.slice(root.length + 1)}: one copy of each package, and only packages on the list`, async () => {
    const { packages, directories } = contents(await bundle(entry, directory));
    assert.deepEqual(
      [...packages].filter((name) => !ALLOWED.includes(name)),
      [],
    );
    assert(packages.has('azure-iot-common') && packages.has('mqtt-packet'));
    assert.equal(directories.size, packages.size, 'a package is there twice');
  });
}

/** The separate files, by name. */
async function apart(name: string): Promise<Metafile> {
  const metafile = (await bundleApart(directory)).find(({ outputs }) => Object.keys(outputs).join().endsWith(name));
  assert(metafile !== undefined, name);
  return metafile;
}

test('a daemon carries no command but its own, and what is called often no daemon', async () => {
  const daemon = await apart('daemon.js');
  const folders = (metafile: Metafile) =>
    new Set(Object.keys(metafile.inputs).flatMap((path) => /^(agent\/(?:cli\/)?[^/]+)\//.exec(path)?.[1] ?? []));
  const commands = ['bundle', 'checks', 'decommission', 'init', 'proof', 'request', 'status', 'uplink'];
  for (const name of commands) assert(!folders(daemon).has(`agent/cli/${name}`), name);
  const { packages, directories } = contents(daemon);
  assert(packages.has('azure-iot-device') && !packages.has('asn1js'));
  assert.equal(directories.size, packages.size, 'a package is there twice');
  assert(statSync(join(directory, 'daemon.js')).size < 680_000);
  const quick = await apart('quick.js');
  assert.deepEqual([...contents(quick).packages].sort(), ['pkcs11js', 'smol-toml', 'valibot']);
  // The status of a gateway whose daemon does not run is planned from its memory: the core is in it, too.
  assert(statSync(join(directory, 'quick.js')).size < 235_000);
});

test('what talks to the TPM is a file of its own, with one copy of each package', async () => {
  const metafile = await apart('tpm.js');
  const { packages, directories } = contents(metafile);
  const security = ['azure-iot-security-tpm', 'base32-encode', 'to-data-view', 'tss.js'];
  assert.deepEqual([...packages].sort(), ['azure-iot-common', ...security, 'machina'].sort());
  assert.equal(directories.size, packages.size, 'a package is there twice');
  assert(statSync(join(directory, 'tpm.js')).size < 450_000);
});

test('what attests by the TPM is loaded only where it is configured, and so is what else Azure needs', async () => {
  const { inputs, outputs } = await apart('daemon.js');
  const entry = Object.values(outputs).flatMap(({ entryPoint = [] }) => entryPoint);
  const loaded = new Set(entry);
  // A set goes on with what is added while it is walked through.
  for (const path of loaded)
    for (const { kind, path: next } of inputs[path]?.imports ?? []) if (kind !== 'dynamic-import') loaded.add(next);
  const parts = ['assembly/azure.ts', 'assembly/onboarding-leaf.ts', 'dps/tpm/attest.ts'];
  for (const part of parts) {
    assert(`agent/${part}` in inputs, part);
    assert(!loaded.has(`agent/${part}`), part);
  }
  assert(![...loaded].some((path) => packageOf(path) === 'azure-iot-provisioning-device-http'));
  const azure = new Set(['agent/assembly/azure.ts']);
  for (const path of azure)
    for (const { kind, path: next } of inputs[path]?.imports ?? []) if (kind !== 'dynamic-import') azure.add(next);
  assert(azure.has('agent/assembly/onboarding-leaf.ts') && !azure.has('agent/dps/tpm/attest.ts'));
});

test('the uplink is a file of its own: a gateway without programs does not carry it', async () => {
  const metafile = await apart('uplink.js');
  const { packages, directories } = contents(metafile);
  assert.deepEqual([...packages].sort(), ['bl', 'mqtt-packet']);
  assert.equal(directories.size, packages.size, 'a package is there twice');
  assert(statSync(join(directory, 'uplink.js')).size < 150_000);
  const { inputs } = await bundle(join(root, 'agent', 'main.ts'), directory);
  assert.deepEqual(
    Object.keys(inputs).filter((path) => path.startsWith('agent/uplink/')),
    ['agent/uplink/lazy-uplink.ts'],
  );
});

test('WebSockets are a file of their own', async () => {
  const metafile = await apart('websocket.js');
  const { packages } = contents(metafile);
  assert.deepEqual([...packages], ['ws']);
  assert(statSync(join(directory, 'websocket.js')).size < 60_000);
  const { packages: carried } = contents(await bundle(join(root, 'agent', 'main.ts'), directory));
  assert(!carried.has('ws'));
});

/**
 * Not a file of its own: that would have a TokenError of its own, and who asks `instanceof TokenError` would not know it. It is
 * text until stunnel is needed, because V8 compiles a function when it is called.
 */
test('what stunnel needs is little, and only run where it is needed', async () => {
  const { outputs } = await bundle(join(root, 'agent', 'main.ts'), directory);
  const inputs = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const parts = inputs.filter(([path]) => /^hsm\/(stunnel|stunnel-settings|heard)\.ts$/.test(path));
  assert.equal(parts.length, 3);
  assert(parts.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0) < 16_000, 'before it is minified');
  const text = readFileSync(join(directory, 'newleaf.js'), 'utf8');
  assert(/Promise\.resolve\(\)\.then\(\(\)=>\(\w+\(\),\w+\)\)/.test(text));
});

test('the stub of lodash has every function that the bundled sources call', async () => {
  const metafile = await bundle(join(import.meta.dirname, 'bundle-entry.ts'), directory);
  const sources = Object.keys(metafile.inputs).filter((path) => /node_modules\/(machina|azure-iot-)/.test(path));
  const called = sources.flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return /require\( ?["']lodash["'] ?\)|"lodash"/.test(text)
      ? [...text.matchAll(/\b_\.(\w+)\(/g)].map(([, name]) => name)
      : [];
  });
  const stub = readFileSync(join(root, 'scripts', 'stubs', 'lodash.cjs'), 'utf8');
  assert(called.length > 10);
  assert.deepEqual(
    [...new Set(called)].filter((name) => !new RegExp(`^  ${name}[:(]`, 'm').test(stub)),
    [],
  );
});

test('the bundle registers, connects, reads and writes the twin, answers a method, and closes', async () => {
  await bundle(join(import.meta.dirname, 'bundle-entry.ts'), directory);
  const ca = new TestCa();
  await using far = await FarSide.start(ca.issue('hub', LOOPBACK));
  const hub = serving();
  far.script = {
    onPublish(packet, link) {
      const [, request] = /^\$dps\/registrations\/(PUT|GET)\//.exec(packet.topic) ?? [];
      if (request === undefined) return hub.onPublish?.(packet, link);
      const rid = /\$rid=([^&]*)/.exec(packet.topic)?.[1];
      const registrationState = { assignedHub: far.host, deviceId: 'gw-0001' };
      const answer = request === 'PUT' ? { status: 'assigning' } : { status: 'assigned', registrationState };
      const status = request === 'PUT' ? 202 : 200;
      const topic = `$dps/registrations/res/${status}/?$rid=${rid}&retry-after=0`;
      link.publish(topic, JSON.stringify({ operationId: '4.d0', ...answer }), 1);
    },
  };
  const newleaf = join(directory, 'newleaf.js');
  const given = JSON.stringify({ dps: far.host, ca: ca.cert, ...ca.issue('gw-0001') });
  // By its own first line, as the unit file and a person start it.
  const child = spawn(newleaf, [given], { env: { PATH: `${join(process.execPath, '..')}:${process.env.PATH}` } });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const lines: Record<string, unknown>[] = [];
  for await (const line of createInterface(child.stdout)) {
    const { level: _level, ...said } = JSON.parse(line);
    lines.push(said);
    if (said.ready) {
      const answer = await call(far, far.links.at(-1), 'reprovision', '{"action":"roll","id":"r-1"}');
      assert.deepEqual(answer, ['202', { kind: 'roll', from: 'method', id: 'r-1', delayMs: 0 }]);
      child.stdin.end();
    }
  }
  assert.equal(await exited, 0);
  // Warnings of Node among them: DEP0169 for url.parse, which the SDK calls.
  assert.equal(errors, '');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [first, ...rest] = lines;
  assert.deepEqual([first?.version, first?.url], [version, `file://${newleaf}`]);
  assert(Number(first?.builtAt) > Date.parse('2020-01-01') && Number(first?.builtAt) <= Date.now());
  assert.deepEqual(rest, [
    { pkcs11: 'function' },
    { assignment: { hub: far.host, deviceId: 'gw-0001' } },
    { ready: true },
    { before: false },
    { after: true },
  ]);
  assert.deepEqual(written(far), [
    { newleaf: { phase: 'serving', last: { id: 'x' } } },
    { newleaf: { phase: 'serving', last: null } },
  ]);
  await far.until(() => far.open === 0);
  assert.deepEqual(far.received.filter(({ cmd }) => cmd === 'disconnect').length, far.connections);
});

test('it is one small file and the native part of pkcs11js', async () => {
  await bundle(join(import.meta.dirname, 'bundle-entry.ts'), directory);
  assert.equal(statSync(join(directory, 'newleaf.js')).mode & 0o777, 0o755);
  assert.deepEqual(JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')), { type: 'commonjs' });
  assert(existsSync(join(directory, 'build', 'Release', 'pkcs11.node')));
  assert(statSync(join(directory, 'newleaf.js')).size < 400_000);
});

// V8 keeps a source with one character beyond Latin-1 in two bytes each: 0.84 MiB of 17 were seen. esbuild 0.28 escapes texts, but
// no regular expression.
test('each file of it is ASCII', async () => {
  await bundle(main, directory);
  const files = readdirSync(directory).filter((file) => file.endsWith('.js'));
  assert(files.includes('newleaf.js'));
  for (const file of files) {
    const found = /[^\0-\x7f].{0,40}/.exec(readFileSync(join(directory, file), 'utf8'))?.[0];
    assert.equal(found, undefined, `${file}: write it as \\u....`);
  }
});
