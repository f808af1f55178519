import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { register } from '../../clients/device.ts';
import { knockHub } from '../../clients/raw.ts';
import { connectSimulator } from '../../simulator/client.ts';
import { TYPESCRIPT } from '../../typescript.ts';

const MAIN = new URL('../../simulator/main.ts', import.meta.url).pathname;

test('as a process: files, operations, refusals and the log, until its standard input closes', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'simulator-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const argv = [...TYPESCRIPT, MAIN, '--directory', directory];
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const [line] = await once(createInterface(child.stdout), 'line');
  const simulator = await connectSimulator(JSON.parse(line).control);
  const { endpoints } = simulator;
  const files = ['trust.pem', 'est-ca.pem', 'issuer.pem'].map((name) => readFileSync(join(directory, name), 'utf8'));
  assert.deepEqual(files, [endpoints.trustPem, endpoints.estCaPem, endpoints.issuerPem]);

  const leaf = await simulator.clientIdentity('gw-1');
  await simulator.enrollGroup({ groupId: 'gateways', primary: endpoints.issuerPem });
  await simulator.assign('gw-1', 'hub2');
  const assigned = simulator.waitFor({ event: 'assigned', clientId: 'gw-1' }, 60_000);
  const { assignedHub } = await register(endpoints, 'gw-1', leaf);
  const { seq, hub } = await assigned;
  assert.deepEqual([assignedHub, hub], [endpoints.hub2, 'hub2']);
  await simulator.lay('hub2', 'connack', { code: 3, times: 1 });
  assert.equal((await knockHub(endpoints, assignedHub, 'gw-1', leaf)).connack, 3);
  const news = await simulator.entries(seq);
  assert.ok(news.every((entry) => entry.seq > seq) && news.some(({ code }) => code === 3));
  await assert.rejects(simulator.forget('nobody'), /no device "nobody" in any hub/);
  await assert.rejects(simulator.waitFor({ event: 'telemetry' }, 50), /no entry in 50 ms/);

  const exited = once(child, 'exit');
  child.stdin.end();
  assert.deepEqual(await exited, [0, null]);
});
