import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { serverTime } from '../../../../agent/cli/proof/server-time.ts';
import { DAY, type Minted, mint, mintCa, privateKeyPem, type Wish } from '../../certificate/mint.ts';

const AT = Date.parse('2031-01-01T00:00:00Z');
const now = Date.now();
const valid = { notBefore: now - 2 * DAY, notAfter: now + DAY };
const root = await mintCa(valid);
const other = await mintCa({ ...valid, subject: 'CN=Other' });

/** A server with this certificate that answers with these headers; its URL. */
async function server(
  t: TestContext,
  wish: Wish = {},
  by: Minted = root,
  date: string | undefined = new Date(AT).toUTCString(),
  status: number | 'none' = 404,
) {
  const { pem, keys } = await mint({ ...valid, subject: 'CN=localhost', ip: '127.0.0.1', by, ...wish });
  const https = createServer({ cert: pem, key: privateKeyPem(keys) }, (_, response) => {
    if (status === 'none') return;
    response.sendDate = false;
    if (date !== '') response.setHeader('Date', date);
    response.writeHead(status, status === 101 ? { Connection: 'upgrade', Upgrade: 'x' } : {}).end();
  });
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  t.after(() => {
    https.closeAllConnections();
    https.close();
  });
  return { url: `https://127.0.0.1:${(https.address() as AddressInfo).port}/`, ca: root.pem };
}

describe('what time a server says that it is', () => {
  const rows: readonly (readonly [name: string, wish: Wish, by: Minted, proven: boolean | undefined, date?: string])[] =
    [
      ['trusted, whatever else it answers', {}, root, true],
      ['it has expired by our clock', { notAfter: now - DAY }, root, false],
      ['it is not valid yet by our clock', { notBefore: now + DAY / 2 }, root, false],
      ['another CA: it may say what it likes', {}, other, undefined],
      ['another name', { ip: '192.0.2.1' }, root, undefined],
      ['it tells none', {}, root, undefined, ''],
      ['nonsense', {}, root, undefined, 'yesterday'],
    ];
  for (const [name, wish, by, isProven, date] of rows) {
    test(name, async (t) => {
      const at = await server(t, wish, by, date);
      const told = await serverTime([at]);
      const expected = isProven === undefined ? undefined : { at: AT, from: new URL(at.url).host, isProven };
      assert.deepEqual(told && { at: told.at, from: told.from, isProven: told.isProven }, expected);
    });
  }

  test('it switches to another protocol (HTTP 101): that ends with the time to wait', {
    timeout: 60_000,
  }, async (t) => {
    const awake = setInterval(() => {}, 1_000);
    t.after(() => clearInterval(awake));
    assert.equal(await serverTime([await server(t, {}, root, undefined, 101)], 300), undefined);
  });

  test('the first that tells it; nobody', async (t) => {
    const [good, mute] = [await server(t), await server(t, {}, root, '')];
    assert.equal((await serverTime([mute, good]))?.from, new URL(good.url).host);
    assert.equal(await serverTime([]), undefined);
  });

  test('one that never answers is not waited for', async (t) => {
    assert.equal(await serverTime([await server(t, {}, root, undefined, 'none')], 200), undefined);
  });
});
