import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../unit/state/disk.ts';
import { holds } from './stage/holds.ts';
import { type Serving, serving } from './stage/site.ts';

test('the key of the leaf is gone from the token: it is said, nothing is written again and again, and a roll mends it', async (t) => {
  const { gateway, thumbprint } = await serving(t);
  await gateway.stop();
  gateway.token.ask('--delete-object', '--type', 'privkey', '--label', 'newleaf-a');
  await gateway.start();
  const lost = await gateway.until(({ trouble }) => trouble?.code === 'NL-TOKEN-KEY');
  holds(lost, { phase: 'serving', online: false, leaf: { thumbprint } });
  const written = () => statSync(join(gateway.stateDirectory, 'leaf.pem')).mtimeMs;
  const first = written();

  // Each of these is an event, as each attempt to connect is.
  for (const id of ['1', '2', '3']) await gateway.post('/v1/csr', { id });
  assert.equal(written(), first);
  assert.deepEqual(gateway.log.matching({ event: 'files-unwritten' }), []);

  const asked = await gateway.command('roll', '--wait');
  assert.equal(asked.code, 0, asked.err);
  const { leaf } = await gateway.settled();
  assert.notEqual(leaf?.thumbprint, thumbprint);
  assert.deepEqual(gateway.token.privateKeys(), ['newleaf-b']);
});

test('the key of the leaf is gone while its session is open: a roll gets the next leaf by the first identity, in the same process', async (t) => {
  const { far, gateway, thumbprint } = await serving(t);
  gateway.token.ask('--delete-object', '--type', 'privkey', '--label', 'newleaf-a');
  const [{ pid }, since] = [gateway, far.log.entries.length];
  const asked = await gateway.command('roll', '--wait');
  assert.equal(asked.code, 0, asked.err);
  const { leaf } = await gateway.settled();
  const seen = far.log.entries.slice(since);
  assert.notEqual(leaf?.thumbprint, thumbprint);
  const events = seen.map(({ event }) => event).filter((event) => event === 'issued' || event === 'disconnected');
  assert.equal(events[0], 'issued', 'the session stays until the next leaf has one');
  assert.deepEqual([seen.find(({ event }) => event === 'issued')?.reason, gateway.pid], ['simpleenroll', pid]);
  assert.deepEqual(gateway.token.privateKeys(), ['newleaf-b']);
});

/** A roll that has made its key, and waits for an EST server that is away. */
async function waitsForItsIssuer(t: TestContext): Promise<Serving> {
  const waiting = await serving(t);
  const { far, gateway } = waiting;
  await far.lay('est', 'port-closed');
  await gateway.post('/v1/roll', { id: 'asked' });
  await gateway.until(({ trouble }) => trouble?.code === 'NL-EST-UNREACHABLE');
  await gateway.stop();
  await far.lift('est');
  return waiting;
}

const leafOf = ({ gateway }: Serving) => new X509Certificate(readFileSync(join(gateway.stateDirectory, 'leaf.pem')));

test('the key of the next leaf is lost while its issuer is away: the slot gets another, and the roll goes through', async (t) => {
  const site = await waitsForItsIssuer(t);
  const { gateway, thumbprint } = site;
  gateway.token.ask('--delete-object', '--type', 'privkey', '--label', 'newleaf-b');
  await gateway.start();
  holds(await gateway.settled(), { last: { id: 'asked', outcome: 'done' }, leaf: { slot: 'b' } });
  assert.notEqual(leafOf(site).fingerprint256.replaceAll(':', ''), thumbprint);
  assert.deepEqual(gateway.token.privateKeys(), ['newleaf-b']);
});

test('a new key is on the disk before DPS hears of it; a start that makes none writes nothing', async (t) => {
  const directory = scratch(t);
  const synced = join(directory, 'synced');
  writeFileSync(join(directory, 'sync'), `#!/bin/sh\nsleep 0.3\necho >> ${synced}\n`, { mode: 0o755 });
  const { far, gateway } = await serving(t, { runner: ['env', `PATH=${directory}:${process.env.PATH}`] });
  const times = () => readFileSync(synced, 'utf8').length;
  const [assigned] = far.log.matching({ event: 'assigned' });
  assert.ok(assigned && assigned.at > statSync(synced).mtimeMs);
  await gateway.stop();
  await gateway.start();
  await gateway.settled();
  assert.equal(times(), 1);
  assert.equal((await gateway.command('roll', '--wait')).code, 0);
  assert.equal(times(), 2);
});
