import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { type TestContext, test } from 'node:test';
import { createSecureContext, rootCertificates } from 'node:tls';
import { serverTime } from '../../../agent/cli/proof/server-time.ts';
import { Https } from '../../../agent/dps/tpm/https.ts';
import { exchange } from '../../../agent/issuer/exchange.ts';
import { networkOf } from '../../../agent/network/network.ts';
import type { Through } from '../../../agent/network/through.ts';
import { connectorOf } from '../../../hsm/connector.ts';
import { Authority } from '../../simulator/ca.ts';
import { HttpProxy } from '../../simulator/proxy.ts';

const [nobody = ''] = rootCertificates;
const proxied = (proxy: string): Through =>
  networkOf({ transport: 'auto', proxy, proxy_username: '', no_proxy: [] }).through;

type Ask = (host: string, through: Through | undefined, ca: string) => Promise<unknown>;

/** All that newleaf asks over HTTPS. */
const ASKS: Readonly<Record<string, Ask>> = {
  'an EST server, and DPS by `check enrollment`': (host, through, ca) =>
    exchange({
      method: 'GET',
      url: `https://${host}/.well-known/est/cacerts`,
      tls: { ca },
      through,
      signal: new AbortController().signal,
    }),
  'the time of a server': (host, through, ca) =>
    serverTime([{ url: `https://${host}/.well-known/est`, ca, ...(through && { through }) }]),
  'DPS, with a TPM': (host, through, ca) => {
    const connector = connectorOf(createSecureContext({ ca }));
    const https = new Https({
      host,
      connector,
      through,
      requestMs: 5_000,
      admit: () => ({ status: 200, headers: {}, body: '{}' }),
    });
    const answered = new Promise((resolve) => {
      https.buildRequest('GET', '/id', {}, { hostname: host } as never, resolve as never).end();
    });
    return Promise.race([answered, https.failed]).finally(() => https.end());
  },
};

const PLACES = [
  ['ca.example.com', 'ca.example.com:443'],
  ['ca.example.com:443', 'ca.example.com:443'],
  ['ca.example.com:8443', 'ca.example.com:8443'],
  ['192.0.2.7', '192.0.2.7:443'],
  ['[2001:db8::7]', '[2001:db8::7]:443'],
  ['[2001:db8::7]:8443', '[2001:db8::7]:8443'],
] as const;

for (const [what, ask] of Object.entries(ASKS)) {
  for (const [host, place] of PLACES) {
    test(`${what}: ${host} is ${place} for the proxy`, async () => {
      await using proxy = await HttpProxy.start();
      proxy.fault = { status: 502 };
      await ask(host, proxied(proxy.url), nobody).catch(() => undefined);
      assert.deepEqual(
        proxy.asked.map(({ to }) => to),
        [place],
      );
    });
  }

  test(`${what}: directly, on port 443 where none is named`, async (t) => {
    const { ca, hosts } = await on443(t);
    await ask('127.4.4.3', undefined, ca);
    assert.deepEqual(hosts, ['127.4.4.3'], 'the header Host names no port that is the standard one');
  });
}

async function on443(t: TestContext) {
  const authority = await Authority.create('https', 0);
  const hosts: (string | undefined)[] = [];
  const server = createServer(await authority.serverIdentity([], '127.4.4.3'), ({ headers }, response) => {
    hosts.push(headers.host);
    response.end('{}');
  });
  server.listen(443, '127.4.4.3');
  await once(server, 'listening');
  t.after(() => server.close());
  return { ca: authority.rootPem, hosts };
}
