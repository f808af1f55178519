import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../../agent/config/config.ts';
import { complaints } from './complaints.ts';
import { LEAST } from './least.ts';

describe('network', () => {
  const at = (lines: string) => `${LEAST}\n[network]\n${lines}\n`;

  test('by default 8883, then 443, and no proxy', () => {
    const { network } = parseConfig(LEAST, 'FILE').config;
    const standard = {
      transport: 'auto',
      keepalive: 180_000,
      proxy: undefined,
      proxy_username: '',
      proxy_password_file: undefined,
    };
    assert.deepEqual(network, { ...standard, no_proxy: [] });
  });

  test('hosts without the proxy: names, ends of names, and addresses', () => {
    const no_proxy = ['ca.example.com', '.example.com', '192.0.2.7', '::1', '[2001:db8::7]'];
    assert.deepEqual(
      parseConfig(at(`no_proxy = ${JSON.stringify(no_proxy)}`), 'FILE').config.network.no_proxy,
      no_proxy,
    );
  });

  for (const [lines, words] of [
    ['proxy = "http://user:secret@proxy.example.com:3128"', /network\.proxy must not hold a user name or a password/],
    ['proxy = "https://proxy.example.com:3128"', /network\.proxy must be "http:\/\/host:port"/],
    ['proxy = "http://proxy.example.com:3128/pac"', /network\.proxy must be "http:\/\/host:port"/],
    ['proxy = "proxy.example.com:3128"', /network\.proxy must be "http:\/\/host:port"/],
    ['no_proxy = ["::1/128"]', /network\.no_proxy must be names or addresses .* no range/],
    ['no_proxy = ["[::1]:443"]', /network\.no_proxy must be names or addresses .* no port/],
    ['no_proxy = ["fe80::1%eth0"]', /network\.no_proxy must be names or addresses/],
    ['no_proxy = ["10.0.0.0/8"]', /network\.no_proxy must be names or addresses .* no range/],
    ['keepalive = "20min"', /network\.keepalive must be a number with its unit .* from "15s" to "1177s"/],
    ['keepalive = "5s"', /network\.keepalive must be a number with its unit .* from "15s" to "1177s"/],
    ['keepalive = 60', /network\.keepalive must be/],
    ['transport = "amqp"', /network\.transport must be one of "auto", "mqtt", "mqtt-ws"/],
    [
      'proxy = "http://proxy:3128"\nproxy_username = "gw"',
      /network\.proxy_username needs network\.proxy_password_file/,
    ],
    ['proxy = "http://proxy:3128"\nproxy_password_file = "/x"', /proxy_password_file needs network\.proxy_username/],
    ['proxy_username = "gw"\nproxy_password_file = "/x"', /network\.proxy_password_file needs network\.proxy/],
  ] as const) {
    test(`refused: ${lines.replace('\n', ', ')}`, () => {
      const said = complaints(at(lines)).join('\n');
      assert.match(said, words);
      assert.doesNotMatch(said, /secret/);
    });
  }
});
