import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forInstance } from '../../../agent/cli/instance.ts';
import type { ParsedArguments } from '../../../agent/cli/kit/parse.ts';
import { type Output, type Screen, screenOf, wrap } from '../../../agent/cli/kit/screen.ts';
import { CODES } from '../../../agent/failure/failure.ts';
import { createLog } from '../../../agent/machine/log.ts';
import { naming } from '../../../agent/machine/naming.ts';

const told = naming('plant');

const TEXTS: readonly (readonly [text: string, told: string])[] = [
  ['`sudo newleaf init`', '`sudo newleaf --instance plant init`'],
  [
    'Run `newleaf csr`, then `newleaf install FILE`.',
    'Run `newleaf --instance plant csr`, then `newleaf --instance plant install FILE`.',
  ],
  ['`newleaf support-bundle -o FILE`', '`newleaf --instance plant support-bundle -o FILE`'],
  ['Then `systemctl restart newleaf`.', 'Then `systemctl restart newleaf@plant`.'],
  ['`sudo systemctl enable --now newleaf`', '`sudo systemctl enable --now newleaf@plant`'],
  ['`journalctl -u newleaf -n 20`', '`journalctl -u newleaf@plant -n 20`'],
  ['`journalctl -u newleaf | grep -e key`', '`journalctl -u newleaf@plant | grep -e key`'],
  ['Put it into `/etc/newleaf/pin` (or hsm.pin_file)', 'Put it into `/etc/newleaf/plant/pin` (or hsm.pin_file)'],
  ['/etc/newleaf/pin in prose', '/etc/newleaf/pin in prose'],
  ['`chmod 0644 /etc/newleaf/pinned-ca.pem`', '`chmod 0644 /etc/newleaf/pinned-ca.pem`'],
  ['`/etc/newleaf/pinned-ca.pem`', '`/etc/newleaf/pinned-ca.pem`'],
  ['newleaf tries again by itself.', 'newleaf tries again by itself.'],
  ['newleaf 0.1.0', 'newleaf 0.1.0'],
  ['Install the package newleaf.', 'Install the package newleaf.'],
  ['It is newleaf run by hand.', 'It is newleaf run by hand.'],
  ['`newleaf init --config FILE`', '`newleaf init --config FILE`'],
  ['`newleaf --instance other status`', '`newleaf --instance other status`'],
  ['`usermod -aG newleaf USER`', '`usermod -aG newleaf USER`'],
  ['`systemctl restart newleaf-uplink`', '`systemctl restart newleaf-uplink`'],
];

for (const [text, expected] of TEXTS) {
  test(`another daemon: ${text}`, () => {
    assert.equal(told(text), expected);
    assert.equal(told(expected), expected, 'said once');
  });
}

test('no advice in the table of failures names a command or the unit of another daemon', () => {
  for (const [code, { advice }] of Object.entries(CODES)) {
    const said = told(advice);
    assert.doesNotMatch(said, /`(sudo )?newleaf (?!--instance plant )/, code);
    assert.doesNotMatch(said, /(systemctl [a-z-]+|journalctl -u) newleaf(?!@plant)|\/etc\/newleaf\/pin\b/, code);
  }
});

const SENTENCE = 'Then look at what it says: `newleaf check`, and again.';

/** @param written what the command writes, on its screen */
async function called(
  options: ParsedArguments['options'],
  env: NodeJS.ProcessEnv = {},
  written = (screen: Screen) => `${wrap(screen, SENTENCE).join('\n')}\n`,
) {
  let said = '';
  let config: unknown;
  const paper: Output = { columns: 40, write: (text) => (said += text) };
  const run = forInstance(async (args, io) => {
    config = args.options.config;
    io.out.write(written(screenOf(io.out, env)));
    return 0;
  });
  const exit = await run(
    { command: 'status', options, positionals: [] },
    { out: paper, err: paper, env, now: Date.now },
  );
  return { exit, said, config };
}

test('--instance names the configuration, and its lines are broken after the name is in them', async () => {
  const { exit, said, config } = await called({ instance: 'plant' });
  assert.equal(exit, 0);
  assert.equal(config, '/etc/newleaf/plant/newleaf.toml');
  assert.equal(said, 'Then look at what it says:\n`newleaf --instance plant check`, and\nagain.\n');
});

test('the configuration by its path is the same, as option and as variable', async () => {
  const path = '/etc/newleaf/plant/newleaf.toml';
  assert.match((await called({ config: path })).said, /--instance plant check/);
  assert.match((await called({}, { NEWLEAF_CONFIG: path })).said, /--instance plant check/);
  assert.doesNotMatch((await called({})).said, /--instance/);
});

test('a name that cannot be one, and two configurations, are refused in one sentence', async () => {
  assert.deepEqual(await called({ instance: '../x' }), {
    exit: 2,
    said: '--instance "../x" must be 1 to 28\nletters, digits, - and _, and not\nnewleaf itself.\n',
    config: undefined,
  });
  assert.equal((await called({ instance: 'a', config: 'b' })).exit, 2);
});

test('the log of another daemon names it', () => {
  const lines: string[] = [];
  const sink = { write: (line: string) => void lines.push(line) };
  const log = createLog({ level: 'info', env: { NEWLEAF_CONFIG: '/etc/newleaf/plant/newleaf.toml' }, sink });
  const cause = 'the server says: `systemctl restart newleaf`';
  const path = '/etc/newleaf/pin';
  log.error({
    event: 'failed',
    cause,
    path,
    advice: 'Write it into `/etc/newleaf/pin`, then `systemctl restart newleaf`.',
  });
  const { advice, ...others } = JSON.parse(lines.join(''));
  assert.equal(advice, 'Write it into `/etc/newleaf/plant/pin`, then `systemctl restart newleaf@plant`.');
  assert.deepEqual([others.cause, others.path], [cause, path]);
});

test('what programs read is not rewritten: JSON, and the configuration', async () => {
  const FOR_PROGRAMS = [
    '{"advice":"Put it into `/etc/newleaf/pin`, then `systemctl restart newleaf`.","unit":"newleaf.service"}\n',
    'ca_file = "/etc/newleaf/pinned-ca.pem"\npin_file = "/etc/newleaf/pin"\n',
  ];
  for (const text of FOR_PROGRAMS) assert.equal((await called({ instance: 'plant' }, {}, () => text)).said, text);
});
