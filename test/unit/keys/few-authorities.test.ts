import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createSecureContext, createServer } from 'node:tls';
import { Fault } from '../../../agent/failure/failure.ts';
import { FewAuthorities, fewFile } from '../../../agent/keys/few-authorities.ts';
import { connectorOf } from '../../../hsm/connector.ts';
import { Authority } from '../../simulator/ca.ts';
import { scratch } from '../state/disk.ts';

const ours = await Authority.create('Ours');
const [one, other] = [await Authority.create('One'), await Authority.create('Other')];
const all = `# CAs\n${one.rootPem}${ours.rootPem}${other.rootPem}`;

/** A gateway, and a server on this machine with a certificate of `ours`, its intermediate included. */
async function stage(t: TestContext) {
  const { cert, key } = await ours.serverIdentity(['localhost']);
  const server = createServer({ cert, key }).listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const directory = scratch(t);
  const file = fewFile(directory);
  /** One connection of a process that knows nothing but what is on the disk. @returns the CAs that it has read */
  async function connects(few = new FewAuthorities(directory), pem = all): Promise<string> {
    const ca = await few.of(pem);
    const connector = few.noting(connectorOf(createSecureContext({ ca })), pem);
    const stream = connector.connect({ host: 'localhost', port });
    try {
      await once(stream, 'secureConnect').catch((cause) => Promise.reject(new Fault('NL-HUB-UNTRUSTED', { cause })));
    } finally {
      stream.destroy();
    }
    return ca;
  }
  const noted = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  return { directory, file, connects, noted };
}

/** The note is written after the connection is there. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

test('the next process reads the CA that has vouched, and no other', async (t) => {
  const { connects, noted } = await stage(t);
  assert.equal(await connects(), all);
  await until(() => noted() !== '');
  assert.equal(noted(), ours.rootPem);
  assert.equal(await connects(), ours.rootPem);
});

test('a CA that trust.ca_file has no more is not trusted, whatever the note says', async (t) => {
  const { directory, file } = await stage(t);
  writeFileSync(file, ours.rootPem + one.rootPem);
  const without = one.rootPem + other.rootPem;
  assert.equal(await new FewAuthorities(directory).of(without), one.rootPem);
  writeFileSync(file, ours.rootPem);
  assert.equal(await new FewAuthorities(directory).of(without), without);
});

test('a server under another CA costs one more handshake, once, and is noted', async (t) => {
  const { directory, file, connects, noted } = await stage(t);
  writeFileSync(file, one.rootPem);
  const few = new FewAuthorities(directory);
  const read: string[] = [];
  const work = async () => {
    read.push(await few.of(all));
    await connects(few);
  };
  await few.enough(work);
  await few.enough(work);
  assert.deepEqual(read, [one.rootPem, all, all]);
  await until(() => noted().includes(ours.rootPem));
  assert.equal(noted(), ours.rootPem + one.rootPem);
});

test('a server that none of them vouches for is asked twice, then once each time', async (t) => {
  const { directory, file, connects, noted } = await stage(t);
  writeFileSync(file, one.rootPem);
  const few = new FewAuthorities(directory);
  let asked = 0;
  const work = () => {
    asked += 1;
    return connects(few, one.rootPem + other.rootPem);
  };
  await assert.rejects(few.enough(work), Fault);
  assert.equal(asked, 2);
  await assert.rejects(few.enough(work), Fault);
  assert.equal(asked, 3);
  assert.equal(noted(), one.rootPem);
});

test('no other failure is tried again', async (t) => {
  const { directory, file } = await stage(t);
  writeFileSync(file, one.rootPem);
  const few = new FewAuthorities(directory);
  await few.of(all);
  let asked = 0;
  const fail = () => {
    asked += 1;
    return Promise.reject(new Fault('NL-HUB-UNREACHABLE'));
  };
  await assert.rejects(few.enough(fail), Fault);
  assert.equal(asked, 1);
});

test('damaged notes, and a file with one CA, are read as without a note', async (t) => {
  const { file, directory, connects } = await stage(t);
  for (const text of ['', '-----BEGIN CERTIFICATE-----\n', 'none']) {
    writeFileSync(file, text);
    assert.equal(await new FewAuthorities(directory).of(all), all);
  }
  assert.equal(await connects(new FewAuthorities(directory), ours.rootPem), ours.rootPem);
});
