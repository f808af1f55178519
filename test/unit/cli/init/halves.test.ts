import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { proposeProxy, setNetwork } from '../../../../agent/cli/init/identity.ts';
import { demandWhole } from '../../../../agent/cli/init/settings.ts';
import type { Written } from '../../../../agent/config/schema.ts';
import { scene } from './stage.ts';

const PROXY = 'http://proxy.example:3128';

describe('in a script, what needs another option is told before anything is made', () => {
  const rows: readonly (readonly [
    flags: Readonly<Record<string, string>>,
    configured: Readonly<Record<string, Written>>,
    sentence: string | undefined,
  ])[] = [
    [{ proxy: PROXY }, {}, undefined],
    [{ 'proxy-user': 'x' }, {}, '--proxy-user needs --proxy-password-file and --proxy.'],
    [{ 'proxy-user': 'x', proxy: PROXY }, {}, '--proxy-user needs --proxy-password-file.'],
    [{ 'proxy-user': 'x' }, { 'network.proxy': PROXY }, '--proxy-user needs --proxy-password-file.'],
    [{ 'proxy-password-file': '/x', proxy: PROXY }, {}, '--proxy-password-file needs --proxy-user.'],
    [{ 'proxy-password-file': '/x', proxy: PROXY, 'proxy-user': 'x' }, {}, undefined],
    [{}, { 'network.proxy_username': 'x' }, 'network.proxy_username needs --proxy-password-file and --proxy.'],
    [{ proxy: PROXY }, { 'network.proxy_username': '' }, undefined],
    [{ 'est-user': 'x' }, {}, '--est-user needs --est-password-file.'],
    [{ 'est-password-file': '/x' }, {}, '--est-password-file needs --est-user.'],
    [{ 'est-user': 'x' }, { 'issuer.est.password_file': '/x' }, undefined],
    [{ 'bootstrap-cert': '/x' }, {}, '--bootstrap-cert needs --bootstrap-key.'],
    [{ 'bootstrap-key': '/x' }, {}, '--bootstrap-key needs --bootstrap-cert.'],
  ];
  for (const [flags, configured, sentence] of rows) {
    test(JSON.stringify({ ...flags, ...configured }), () => {
      const { guide } = scene({ flags, configured });
      const judge = () => demandWhole(guide);
      if (sentence === undefined) return judge();
      assert.throws(judge, ({ message }: Error) => message.startsWith(`NL-CONFIG ${sentence} Add what is missing`));
    });
  }
});

test('a proxy of the environment is the half of a user name and a password', () => {
  const { guide } = scene({ flags: { 'proxy-user': 'x', 'proxy-password-file': '/x' } });
  proposeProxy(guide, { HTTPS_PROXY: PROXY });
  demandWhole(guide);
});

test('a person is asked for the other half, whether an option or the configuration has the one', async () => {
  const password = { 'network.proxy_password_file': '/x' };
  for (const options of [
    { flags: { 'proxy-user': 'x' }, configured: password, typed: [PROXY] },
    { flags: { proxy: PROXY }, configured: password, typed: ['x'] },
    { configured: { ...password, 'network.proxy_username': 'x' }, typed: [PROXY] },
  ]) {
    const { guide } = scene(options);
    await setNetwork(guide);
    assert.deepEqual(Object.fromEntries(guide.answers), {
      ...password,
      'network.proxy': PROXY,
      'network.proxy_username': 'x',
    });
  }
});
