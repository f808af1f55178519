import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { askSocket } from '../../../agent/control/client.ts';
import { testAsOthers } from '../../as-others.ts';
import { fault, scratch } from '../state/disk.ts';
import { daemon, GROUP_ID } from './daemon.ts';

test('the socket belongs to the group, and goes away with the daemon', async (t) => {
  const { socket, close, logged } = await daemon(t);
  const { mode, gid } = statSync(socket);
  assert.deepEqual([mode & 0o777, gid], [0o660, GROUP_ID]);
  assert.deepEqual(logged, []);
  await close();
  assert.equal(existsSync(socket), false);
  await assert.rejects(
    askSocket(socket, 'GET', '/v1/status'),
    fault('NL-DAEMON-DOWN', /there is no answer on .*control\.sock/),
  );
});

test('without the group the socket is private, and the log says so', async (t) => {
  const groupFile = join(scratch(t), 'group');
  writeFileSync(groupFile, 'root:x:0:\nnewleafs:x:7:\n');
  const { socket, logged } = await daemon(t, { groupFile });
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  assert.deepEqual(
    logged.map(({ event }) => event),
    ['control-private'],
  );
  assert.match(logged[0]?.message ?? '', /There is no group newleaf/);
});

testAsOthers(import.meta.filename, 'a user outside of the group is told which group', async (t) => {
  const { socket } = await daemon(t);
  chmodSync(socket, 0);
  await assert.rejects(askSocket(socket, 'GET', '/v1/status'), (error) =>
    /NL-CONTROL-DENIED .*join the group newleaf/.test(String(error)),
  );
});

test('the socket of a dead daemon is replaced', async (t) => {
  const socket = join(scratch(t), 'control.sock');
  const child = `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', child]);
  assert.ok(statSync(socket).isSocket());
  await daemon(t, { socket });
  assert.equal((await askSocket(socket, 'GET', '/metrics')).status, 200);
});

test('the socket of a live daemon, and a file that is no socket, are left alone', async (t) => {
  const directory = scratch(t);
  const live = join(directory, 'live.sock');
  const other = createServer((visitor) => visitor.destroy()).listen(live);
  t.after(() => other.close());
  await once(other, 'listening');
  await assert.rejects(daemon(t, { socket: live }), fault('NL-DAEMON-RUNS', /Another newleaf answers on/));
  assert.ok(statSync(live).isSocket());
  const file = join(directory, 'file');
  writeFileSync(file, 'precious');
  await assert.rejects(daemon(t, { socket: file }), fault('NL-CONFIG', /is there and is no socket/));
  assert.equal(readFileSync(file, 'utf8'), 'precious');
  await assert.rejects(daemon(t, { socket: join(file, 'x.sock') }), fault('NL-CONFIG', /cannot be made at/));
});
