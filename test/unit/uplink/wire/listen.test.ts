import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createSockets } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ofProgram } from '../../../../agent/uplink/wire/server.ts';
import { TYPESCRIPT } from '../../../typescript.ts';
import { fault, scratch } from '../../state/disk.ts';
import { RawClient } from './raw-client.ts';
import { stage } from './stage.ts';

const sensors = ofProgram('sensors');
const ALONE = join(import.meta.dirname, 'server-alone.ts');

describe('a unix socket', () => {
  for (const mode of [0o600, 0o660, 0o666]) {
    test(`has mode ${mode.toString(8)} from its first moment, and goes with its listener`, async (t) => {
      const { server } = stage(t);
      const path = join(scratch(t), 'deep', 'sensors.sock');
      const listener = await server.listen({ path, mode }, sensors);
      assert.equal(statSync(path).mode & 0o777, mode);
      await using client = await RawClient.open(path);
      await listener.close();
      await client.closed;
      assert.equal(existsSync(path), false);
      assert.equal(server.connections, 0);
    });
  }

  test('of a dead process is replaced', async (t) => {
    const { server } = stage(t);
    const path = join(scratch(t), 'sensors.sock');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', script]), 'exit');
    assert.ok(lstatSync(path).isSocket());
    await server.listen({ path, mode: 0o600 }, sensors);
    await using _client = await RawClient.open(path);
  });

  test('that answers is left alone, and so are a file and a link', async (t) => {
    const { server } = stage(t);
    const directory = scratch(t);
    const live = join(directory, 'live.sock');
    const other = createSockets((visitor) => visitor.destroy()).listen(live);
    t.after(() => other.close());
    await once(other, 'listening');
    const open = (path: string) => server.listen({ path, mode: 0o600 }, sensors);
    await assert.rejects(open(live), fault('NL-UPLINK-SOCKET', /live\.sock cannot be opened: another process answers/));
    const file = join(directory, 'file');
    writeFileSync(file, 'precious');
    await assert.rejects(open(file), fault('NL-UPLINK-SOCKET', /a file that is no socket is in its place/));
    for (const target of [live, file, join(directory, 'nothing')]) {
      const link = join(directory, `link-${target.split('/').at(-1)}`);
      symlinkSync(target, link);
      await assert.rejects(open(link), fault('NL-UPLINK-SOCKET', /a file that is no socket is in its place/));
      assert.ok(lstatSync(link).isSymbolicLink());
    }
    assert.equal(readFileSync(file, 'utf8'), 'precious');
    assert.equal(existsSync(join(directory, 'nothing')), false);
    await assert.rejects(open(join(file, 'x.sock')), fault('NL-UPLINK-SOCKET', /cannot be opened/));
  });
});

test('a port that is taken', async (t) => {
  const { server } = stage(t);
  const other = createSockets().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const address = other.address();
  assert.ok(typeof address === 'object' && address !== null);
  const credentials = () => ({ cert: '', key: '' });
  await assert.rejects(
    server.listen({ host: '127.0.0.1', port: address.port, credentials }, sensors),
    fault('NL-UPLINK-SOCKET', /The port \d+ of 127\.0\.0\.1 cannot be opened/),
  );
});

test('closed, the server lets node exit', async () => {
  const child = spawn(process.execPath, [...TYPESCRIPT, ALONE], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text) => {
    said += text;
  });
  await once(child.stdout, 'data');
  child.stdin.end();
  const [code] = await once(child, 'exit');
  assert.deepEqual([code, said], [0, 'listening\nclosed\n']);
});
