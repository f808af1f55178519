import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explain, family, overview } from '../../../agent/cli/kit/help.ts';
import * as kit from '../../../agent/cli/kit/parse.ts';
import { headsOf, namesOf, specOf, type Tool } from '../../../agent/cli/kit/tool.ts';
import { NEWLEAF } from '../../../agent/cli/table.ts';
import { CODES } from '../../../agent/failure/failure.ts';
import { ENROLL } from '../../../scripts/enrollment/commands.ts';

const parse = (argv: readonly string[]) => kit.parse(NEWLEAF, argv);

const parsed = (command: string, options: object = {}, positionals: readonly string[] = []) => ({
  command,
  options,
  positionals,
});

describe('command lines that are right', () => {
  const rows: readonly (readonly [line: string, parsed: object])[] = [
    ['status', parsed('status')],
    ['status --json --watch', parsed('status', { json: true, watch: true })],
    ['status -w', parsed('status', { watch: true })],
    ['--config /tmp/c.toml status', parsed('status', { config: '/tmp/c.toml' })],
    ['status --config=/tmp/c.toml', parsed('status', { config: '/tmp/c.toml' })],
    ['--id x roll --discard --wait', parsed('roll', { id: 'x', discard: true, wait: true })],
    ['csr -o gw.csr', parsed('csr', { out: 'gw.csr' })],
    ['csr -ogw.csr --new-key', parsed('csr', { out: 'gw.csr', 'new-key': true })],
    ['install --wait gw.pem', parsed('install', { wait: true }, ['gw.pem'])],
    ['install -', parsed('install', {}, ['-'])],
    ['check pin keys --json', parsed('check', { json: true }, ['pin', 'keys'])],
    ['check -- --odd', parsed('check', {}, ['--odd'])],
    ['roll --id=--odd', parsed('roll', { id: '--odd' })],
    ['--version', parsed('version')],
    ['-v', parsed('version')],
  ];
  for (const [line, expected] of rows) test(line, () => assert.deepEqual(parse(line.split(' ')), expected));
});

describe('command lines that are wrong end with 2 and one sentence', () => {
  const rows: readonly (readonly [line: string, sentence: string])[] = [
    ['stats', 'newleaf has no command "stats". Did you mean "newleaf status"?'],
    ['re', 'newleaf has no command "re". Did you mean "newleaf reprovision"?'],
    ['xyzzy', 'newleaf has no command "xyzzy". All commands: newleaf help'],
    ['help rol', 'newleaf has no command "rol". Did you mean "newleaf roll"?'],
    ['status --jsn', 'newleaf status has no option "--jsn". Did you mean --json?'],
    ['status --wait', 'newleaf status has no option "--wait". See: newleaf status --help'],
    ['status -x', 'newleaf status has no option "-x". See: newleaf status --help'],
    ['status --json=1', '--json takes no value. Usage: newleaf status [--json] [--watch]'],
    ['status now', 'newleaf status does not take "now". Usage: newleaf status [--json] [--watch]'],
    ['roll --id', '--id needs a value: --id ID. Usage: newleaf roll [--wait] [--timeout TIME] [--discard] [--id ID]'],
    [
      'roll --id --wait',
      '--id needs a value: --id ID. Usage: newleaf roll [--wait] [--timeout TIME] [--discard] [--id ID]',
    ],
    [
      'install',
      'newleaf install needs FILE. Usage: newleaf install FILE [--wait] [--timeout TIME] [--id ID] [--onboarding]',
    ],
    [
      'install --wait',
      'newleaf install needs FILE. Usage: newleaf install FILE [--wait] [--timeout TIME] [--id ID] [--onboarding]',
    ],
    [
      'install a.pem b.pem',
      'newleaf install does not take "b.pem". Usage: newleaf install FILE [--wait] [--timeout TIME] [--id ID] [--onboarding]',
    ],
    ['csr -o', '-o needs a value: -o FILE. Usage: newleaf csr [-o FILE] [--new-key] [--onboarding]'],
    ['--config x', 'There is no command. All commands: newleaf help'],
    ['__proto__', 'newleaf has no command "__proto__". All commands: newleaf help'],
    ['status --constructor', 'newleaf status has no option "--constructor". See: newleaf status --help'],
  ];
  for (const [line, sentence] of rows) {
    test(line, () => assert.deepEqual(parse(line.split(' ')), { exit: 2, text: `${sentence}\n` }));
  }

  test('nothing at all shows the commands', () => {
    const { exit, text } = parse([]) as { exit: number; text: string };
    assert.equal(exit, 2);
    for (const name of headsOf(NEWLEAF)) assert.match(text, new RegExp(`^  ${name} `, 'm'));
  });
});

describe('commands of two words, and options that may be repeated', () => {
  const wrong = (sentence: string) => ({ exit: 2, text: `${sentence}\n` });
  const rows: readonly (readonly [line: string, parsed: object])[] = [
    ['promote gw-1 --pem a --pem=b', parsed('promote', { pem: ['a', 'b'] }, ['gw-1'])],
    ['promote gw-1 --pem a', parsed('promote', { pem: ['a'] }, ['gw-1'])],
    ['forget gw-1 --hub a --hub b', parsed('forget', { hub: 'b' }, ['gw-1'])],
    ['--yes allow --dps x member gw-1', parsed('allow member', { yes: true, dps: 'x' }, ['gw-1'])],
    ['add group add', parsed('add group', {}, ['add'])],
    ['help add group', { exit: 0, text: explain(ENROLL, 'add group') }],
    ['add group -h', { exit: 0, text: explain(ENROLL, 'add group') }],
    ['add', wrong('There are several commands "enroll add": add individual | add group')],
    ['add grup', wrong('There are several commands "enroll add": add individual | add group')],
    ['help show', { exit: 0, text: family(ENROLL, 'show') }],
    ['show', wrong('There are several commands "enroll show": show device | show job | show group')],
    ['ad group', wrong('enroll has no command "ad". Did you mean "enroll add"?')],
    ['show group', wrong('enroll show group needs NAME. Usage: enroll show group NAME [--json]')],
    ['show group a b', wrong('enroll show group does not take "b". Usage: enroll show group NAME [--json]')],
    ['--version', { command: 'version', options: {}, positionals: [] }],
    ['--nosuch', wrong('There is no command. All commands: enroll help')],
  ];
  for (const [line, expected] of rows) test(line, () => assert.deepEqual(kit.parse(ENROLL, line.split(' ')), expected));
});

describe('help', () => {
  for (const line of ['help', '--help', '-h']) {
    test(line, () => assert.equal((parse(line.split(' ')) as { exit: number }).exit, 0));
  }

  test('of a command, asked for in three ways', () => {
    const expected = { exit: 0, text: explain(NEWLEAF, 'csr') };
    for (const line of ['help csr', 'csr --help', '-h csr']) assert.deepEqual(parse(line.split(' ')), expected);
  });

  test('newleaf help is a screen of 24 lines, its prompt included, and names every command', () => {
    const text = overview(NEWLEAF);
    assert.ok(text.split('\n').length <= 24, text);
    for (const name of namesOf(NEWLEAF))
      for (const word of name.split(' ')) assert.match(text, new RegExp(`\\b${word}\\b`));
  });

  describe('of a code', () => {
    const disabled = `NL-DPS-DISABLED: The enrollment of this device is disabled in DPS.

Meanwhile (refused): the other side has answered, and said no. Asking again in
the same way does not help, so newleaf asks seldom, and keeps the leaf that it
has.

Next step: Operator: enable the enrollment, then \`newleaf reprovision\`.
`;
    const unknown = (word: string, guess: string) => ({
      exit: 2,
      text: `newleaf has no command or code "${word}". Did you mean "newleaf help ${guess}"?\n`,
    });
    const rows: readonly (readonly [line: string, printed: object])[] = [
      ['help NL-DPS-DISABLED', { exit: 0, text: disabled }],
      ['help nl-Dps-disabled', { exit: 0, text: disabled }],
      ['help NL-DPS-DISABLE', unknown('NL-DPS-DISABLE', 'NL-DPS-DISABLED')],
      ['help dps-disabled', unknown('dps-disabled', 'NL-DPS-DISABLED')],
      ['help NL-DPS-401001', unknown('NL-DPS-401001', 'NL-DPS-401002')],
      ['help NL-NOPE', { exit: 2, text: 'newleaf has no code "NL-NOPE". All codes: man newleaf\n' }],
      ['help nope', { exit: 2, text: 'newleaf has no command "nope". All commands: newleaf help\n' }],
      [
        'help NL-DPS-DISABLED x',
        { exit: 2, text: 'newleaf has no command "NL-DPS-DISABLED". All commands: newleaf help\n' },
      ],
      ['NL-DPS-DISABLED', { exit: 2, text: 'newleaf has no command "NL-DPS-DISABLED". All commands: newleaf help\n' }],
    ];
    for (const [line, expected] of rows) test(line, () => assert.deepEqual(parse(line.split(' ')), expected));

    for (const [code, { means, advice }] of Object.entries(CODES)) {
      test(code, () => {
        const { exit, text } = parse(['help', code]) as { exit: number; text: string };
        assert.equal(exit, 0);
        for (const words of [code, means, advice]) assert.ok(text.replaceAll(/\s+/g, ' ').includes(words), text);
      });
    }
  });

  test('as it looks', () => {
    assert.equal(
      explain(NEWLEAF, 'csr'),
      `newleaf csr: Print a CSR for the next key

Usage: newleaf csr [-o FILE] [--new-key] [--onboarding]

Prints the certification request (PKCS#10, PEM) of the next key, which is made
if there is none. Asking again gives the CSR of the same key, until a leaf is
installed.

Options:
  -o, --out FILE   Write it there instead of to stdout.
  --new-key        Make another key, and forget the one before.
  --onboarding     Where Azure issues the leaves: for another certificate of the
                   onboarding key.
  --config FILE    The configuration. Without it NEWLEAF_CONFIG, then
                   /etc/newleaf/newleaf.toml.
  --instance NAME  Another daemon of this gateway: the configuration
                   /etc/newleaf/NAME/newleaf.toml.
  -h, --help       Explain the command.

Examples:
  newleaf csr -o gw.csr
      For the person who signs it.

Exit codes:
  0  Done.
  1  Failed.
  2  Wrong command line or configuration.
  4  A person is needed; the sentence says who and what.
  5  The daemon does not run.
`,
    );
  });

  const tools: readonly Tool[] = [NEWLEAF, ENROLL];
  for (const tool of tools) {
    for (const name of namesOf(tool)) {
      test(`${tool.name} ${name}: 80 columns of ASCII, examples that parse, exit codes that are explained`, () => {
        const text = explain(tool, name);
        assert.doesNotMatch(text, /[^\n -~]/);
        assert.deepEqual(
          text.split('\n').filter((line) => line.length > 80),
          [],
        );
        const { examples, exits } = specOf(tool, name);
        assert.ok(examples.length > 0);
        for (const { line } of examples) {
          assert.ok(text.includes(`\n  ${line}\n`), 'on a line of its own');
          const [, words = ''] = new RegExp(`${tool.name} ([^|]+)`).exec(line) ?? [];
          assert.equal((kit.parse(tool, argvOf(words)) as { command?: string }).command, name);
        }
        assert.notEqual(exits[0], undefined);
      });
    }

    test(`${tool.name}: an option has one meaning, whatever the command`, () => {
      const types = new Map<string, string>();
      for (const name of namesOf(tool)) {
        for (const [option, { type, short = '', multiple = false }] of Object.entries(specOf(tool, name).options)) {
          const shape = `${type} ${short} ${multiple}`;
          assert.equal(types.get(option) ?? shape, shape, option);
          types.set(option, shape);
        }
      }
    });
  }
});

/** The words of a line, as a shell takes them; what stands in double quotes is one. */
const argvOf = (line: string): readonly string[] =>
  [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
