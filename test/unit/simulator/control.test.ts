import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { connectSimulator, type RemoteSimulator } from '../../simulator/client.ts';
import { register } from './device.ts';
import { knockHub } from './raw.ts';

const MAIN = new URL('../../simulator/main.ts', import.meta.url).pathname;

let directory: string;
let running: Running;

interface Running {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly simulator: RemoteSimulator;
}

async function start(): Promise<Running> {
  const argv = ['--import', 'tsx', MAIN, '--directory', directory];
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(child.stdout), 'line');
  return { child, simulator: await connectSimulator(JSON.parse(line).control) };
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'simulator-'));
  running = await start();
});
after(async () => {
  running.child.kill();
  await rm(directory, { recursive: true });
});

test('the files hold what the endpoints say', async () => {
  const { endpoints } = running.simulator;
  const files = await Promise.all(
    ['trust.pem', 'est-ca.pem', 'issuer.pem'].map((name) => readFile(join(directory, name), 'utf8')),
  );
  assert.deepEqual(files, [endpoints.trustPem, endpoints.estCaPem, endpoints.issuerPem]);
});

test('policies, devices that are known by a CA and what the namespace holds, from another process', async () => {
  const { simulator } = running;
  await simulator.createPolicy('monthly', 60_000);
  await simulator.writeCaDevice('hub2', 'gw-9', 'monthly');
  const { authorities, devices } = await simulator.namespaceState();
  assert.deepEqual(Object.keys(authorities), ['root', 'ica-1']);
  assert.deepEqual(
    devices.map(({ deviceId, leaves }) => [deviceId, leaves.length]),
    [['gw-9', 0]],
  );
  assert.notEqual(await simulator.rotateIntermediate(), authorities['ica-1']);
  await simulator.deletePolicy('monthly');
  await assert.rejects(simulator.deletePolicy('monthly'), /no policy "monthly"/);
});

test('enroll, register, assign, fault, forget and the log, from another process', async () => {
  const { simulator } = running;
  const leaf = await simulator.clientIdentity('gw-1');
  await simulator.enrollGroup({ groupId: 'gateways', primary: simulator.endpoints.issuerPem });
  await simulator.assign('gw-1', 'hub2');
  const assigned = simulator.waitFor({ event: 'assigned', clientId: 'gw-1' }, 60_000);
  const { assignedHub } = await register(simulator.endpoints, 'gw-1', leaf);
  assert.equal(assignedHub, simulator.endpoints.hub2);
  const { seq, hub } = await assigned;
  assert.equal(hub, 'hub2');
  assert.equal((await simulator.device('gw-1'))?.thumbprints.primary, leaf.thumbprint);

  await simulator.lay('hub2', 'connack', { code: 3, times: 1 });
  assert.equal((await knockHub(simulator.endpoints, assignedHub, 'gw-1', leaf)).connack, 3);
  await simulator.forget('gw-1');
  assert.equal(await simulator.device('gw-1'), null);
  const news = await simulator.entries(seq);
  assert.ok(
    news.every((entry) => entry.seq > seq) && news.some(({ event, code }) => event === 'connack' && code === 3),
  );
});

test('a call that makes no sense says why', async () => {
  const { simulator } = running;
  await assert.rejects(simulator.forget('nobody'), /no device "nobody" in any hub/);
  await assert.rejects(simulator.setStatus('nobody', 'disabled'), /no enrollment "nobody"/);
  await assert.rejects(simulator.waitFor({ event: 'telemetry' }, 50), /no entry in 50 ms/);
});

const ends: readonly [string, (running: Running) => unknown][] = [
  ['its standard input closes', ({ child }) => child.stdin.end()],
  ['SIGTERM comes', ({ child }) => child.kill('SIGTERM')],
  ['it is told to', ({ simulator }) => simulator.stop()],
];
for (const [what, end] of ends) {
  test(`the process ends when ${what}`, async () => {
    const other = await start();
    const exited = once(other.child, 'exit');
    await end(other);
    assert.deepEqual(await exited, [0, null]);
  });
}
