import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { askSetting } from '../../../../agent/cli/init/ask-setting.ts';
import { noCertificate, registrationIdOf, type SettingQuestion } from '../../../../agent/cli/init/settings.ts';
import type { Written } from '../../../../agent/config/schema.ts';
import { wordsIn } from '../../../../agent/machine/unit.ts';
import { scratch } from '../../state/disk.ts';
import { account, type SceneOptions, scene } from './stage.ts';

const scope: SettingQuestion = { name: 'dps.id_scope', flag: 'id-scope', words: 'ID scope' };
const endpoint: SettingQuestion = { name: 'dps.endpoint', flag: 'endpoint', words: 'Endpoint' };
const trust: SettingQuestion = { name: 'trust.ca_file', flag: 'trust-ca', words: 'CAs', file: { name: 'trust.pem' } };
const STANDARD = 'global.azure-devices-provisioning.net';

describe('a setting is answered', () => {
  const rows: readonly (readonly [
    what: string,
    question: SettingQuestion,
    options: SceneOptions,
    value: Written | undefined,
  ])[] = [
    ['by its flag, and nobody is asked', scope, { flags: { 'id-scope': '0ne1' }, typed: [] }, '0ne1'],
    [
      'by its flag, whatever is configured',
      scope,
      { flags: { 'id-scope': '0ne1' }, configured: { 'dps.id_scope': '0ne2' } },
      '0ne1',
    ],
    ['by the person', scope, { typed: ['0ne3'] }, '0ne3'],
    ['by the person, who types what is wrong first', scope, { typed: ['0 ne', '', '0ne3'] }, '0ne3'],
    [
      'by Enter: what is configured',
      endpoint,
      { typed: [''], configured: { 'dps.endpoint': 'dps.example' } },
      'dps.example',
    ],
    ['by Enter: the default of the schema', endpoint, { typed: [''] }, STANDARD],
    ['by Enter: the suggestion', { ...scope, suggestion: () => '0ne4' }, { typed: [''] }, '0ne4'],
    ['without anybody: what is configured', scope, { configured: { 'dps.id_scope': '0ne2' } }, '0ne2'],
    ['without anybody: the default', endpoint, {}, STANDARD],
    ['without anybody and without a default: not at all', scope, {}, undefined],
    [
      'a file is taken from where the command was called',
      trust,
      { flags: { 'trust-ca': 'package.json' } },
      resolve('package.json'),
    ],
  ];
  for (const [what, question, options, value] of rows) {
    test(what, async () => {
      const { guide } = scene(options);
      await askSetting(guide, question);
      assert.equal(guide.answers.get(question.name), value);
    });
  }

  test('what is missing is named at once, with every flag', async () => {
    const { guide } = scene();
    await askSetting(guide, scope);
    await askSetting(guide, { name: 'leaf.issuer', flag: 'issuer', words: 'Issuer' });
    assert.throws(() => guide.answers.demandAll(), /NL-CONFIG .*no default for: --id-scope, --issuer\. .*--help/);
  });

  test('a flag that is wrong ends it, with the words of the schema', async () => {
    const { guide } = scene({ flags: { 'id-scope': '0 ne' }, typed: ['0ne'] });
    await assert.rejects(askSetting(guide, scope), /--id-scope must be the ID scope as the portal shows it/);
  });

  test('a directory, a device, or ~ is no file', async (t) => {
    const directory = scratch(t);
    const read = async () => {
      throw new Error('the daemon does not open it');
    };
    for (const [typed, words] of [
      [directory, `must be a file: ${directory} is a directory`],
      ['/dev/zero', 'must be a file: /dev/zero is none'],
      ['~ines/ca.pem', 'must be a path without ~, or one that begins with ~/'],
      [join(directory, 'ca.pem'), 'must be a file that is there'],
    ] as const) {
      const { guide } = scene({ flags: { 'trust-ca': typed }, errands: { whyUnreadable: read } });
      await assert.rejects(askSetting(guide, trust), ({ message }: Error) => message.includes(`--trust-ca ${words}`));
    }
  });

  test('a private key that only root can read is not copied for all users', async (t) => {
    const place = join(scratch(t), 'ca.pem');
    writeFileSync(place, '-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n', { mode: 0o600 });
    const set = scene({ flags: { 'trust-ca': place }, errands: { whyUnreadable: async () => 'EACCES' } });
    await assert.rejects(askSetting({ ...set.guide, account }, trust), {
      message: new RegExp(`--trust-ca must be a file that all users may read: there is a private key in ${place}`),
    });
  });

  test('~/ is the home of the caller, of sudo as well', async (t) => {
    const home = scratch(t);
    writeFileSync(join(home, 'ca.pem'), '');
    for (const [user, words] of [
      [undefined, undefined],
      ['root', 'there is no /root/ca.pem'],
      ['no-such-user', 'must be a path without ~'],
    ] as const) {
      const { guide } = scene({ flags: { 'trust-ca': '~/ca.pem' } });
      const asked = askSetting({ ...guide, env: { HOME: home, ...(user && { SUDO_USER: user }) } }, trust);
      if (words === undefined) await asked;
      else await assert.rejects(asked, ({ message }: Error) => message.includes(words));
      if (words === undefined) assert.equal(guide.answers.get('trust.ca_file'), join(home, 'ca.pem'));
    }
  });

  test('the person sees default, hint and what is wrong', async () => {
    const { guide, paper } = scene({ typed: ['https://x', ''] });
    await askSetting(guide, { ...endpoint, hint: 'of your cloud' });
    assert.equal(
      paper.text,
      `  (of your cloud)
  Endpoint [${STANDARD}]: https://x
    It must be a host or host:port, without a scheme or a path.
  Endpoint [${STANDARD}]: \n`,
    );
  });
});

test('a file of CAs is one that the daemon takes, too: by the same labels', () => {
  for (const [text, isTaken] of [
    ['-----BEGIN CERTIFICATE-----\n', true],
    ['-----BEGIN TRUSTED CERTIFICATE-----\n', true],
    ['-----BEGIN CERTIFICATE REQUEST-----\n', false],
    ['as in: -----BEGIN CERTIFICATE-----\n', false],
  ] as const) {
    assert.equal(noCertificate('/ca.pem', text) === undefined, isTaken, text);
  }
});

describe('a host name as registration ID', () => {
  const rows: readonly (readonly [host: string, id: string | undefined])[] = [
    ['gw-0001', 'gw-0001'],
    ['gw-0001.site.example', 'gw-0001'],
    ['localhost', undefined],
    ['localhost.localdomain', undefined],
    ['', undefined],
    ['gw_', undefined],
    ['x'.repeat(65), undefined],
  ];
  for (const [host, id] of rows) test(host, () => assert.equal(registrationIdOf(host, {}), id));

  test('a name that the engine of a container has made up', () => {
    const env = { NEWLEAF_CONTAINER: '1' };
    for (const host of ['3f2a9c1b7e04', '3f2a9c1b7e04-plc']) assert.equal(registrationIdOf(host, env), undefined);
    assert.equal(registrationIdOf('gw-0001', env), 'gw-0001');
    assert.equal(registrationIdOf('3f2a9c1b7e04', {}), '3f2a9c1b7e04');
  });
});

describe('a command line without a shell', () => {
  const rows: readonly (readonly [typed: string, words: readonly string[]])[] = [
    ['/bin/sign', ['/bin/sign']],
    ['  /bin/sign   --fast ', ['/bin/sign', '--fast']],
    [`/bin/sign "two words" 'and "three" more' ""`, ['/bin/sign', 'two words', 'and "three" more', '']],
    ['/bin/sign $HOME;ls', ['/bin/sign', '$HOME;ls']],
    ['', []],
  ];
  for (const [typed, words] of rows) test(typed, () => assert.deepEqual(wordsIn(typed), words));
});
