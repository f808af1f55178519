import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLocalCa } from '../../../../agent/uplink/wire/local-ca.ts';
import { ofProgram, WireServer } from '../../../../agent/uplink/wire/server.ts';
import { RawClient } from './raw-client.ts';
import { Notes, noting } from './rules.ts';

/** A server in a process of its own, until stdin ends; it must end by itself then. */
const directory = mkdtempSync(join(tmpdir(), 'newleaf-wire-'));
process.once('exit', () => rmSync(directory, { recursive: true }));
const { log } = noting();
const server = new WireServer({ rules: new Notes(), log });
const ca = await openLocalCa({ directory, names: [], now: Date.now, earliest: 0, log });
await server.listen({ host: '127.0.0.1', port: 0, credentials: ca.credentials }, ofProgram('meter'));
const path = join(directory, 'sensors.sock');
await server.listen({ path, mode: 0o600 }, ofProgram('sensors'));
// One with CONNECT and one without.
await RawClient.open(path);
await RawClient.dial(path);
console.log('listening');
process.stdin.resume().once('end', async () => {
  await server.close();
  console.log('closed');
});
