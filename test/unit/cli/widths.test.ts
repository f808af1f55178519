import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkSite } from '../../../agent/cli/checks/command.ts';
import { run as config } from '../../../agent/cli/config.ts';
import { call, complaint } from '../../../agent/cli/kit/command.ts';
import { Count, Progress } from '../../../agent/cli/kit/progress.ts';
import { type Screen, screenOf } from '../../../agent/cli/kit/screen.ts';
import { namesOf, specOf, type Tool } from '../../../agent/cli/kit/tool.ts';
import { NEWLEAF } from '../../../agent/cli/table.ts';
import { renderEndorsement } from '../../../agent/cli/tpm.ts';
import { parseConfig } from '../../../agent/config/config.ts';
import { CODES, failure } from '../../../agent/failure/failure.ts';
import { ENROLL } from '../../../scripts/enrollment/commands.ts';
import { CONFIG, siteWith, slotWith } from './gateway.ts';
import { args, configIn, type Stage, stage } from './stage.ts';

const WIDTHS = [40, 60, 80, 120, 200];

type Shown = (io: Stage, screen: Screen) => unknown;

const commandLine =
  (tool: Tool, line: string): Shown =>
  (io) =>
    call(tool, line === '' ? [] : line.split(' '), io, async () => assert.fail(`${line} is wrong`));

const wrongConfig =
  (toml: string): Shown =>
  async (io) => {
    await checkSite(
      siteWith({ config: async () => parseConfig(toml, '/etc/newleaf/newleaf.toml') }),
      args('check'),
      io,
    );
  };

const helpOf = (tool: Tool): readonly (readonly [string, Shown])[] =>
  ['', 'help', ...namesOf(tool).map((name) => `help ${name}`)].map((line) => [
    `${tool.name} ${line}`,
    commandLine(tool, line),
  ]);

const SLIPS = [
  'stauts',
  'xyzzy',
  'status --jsn',
  'init --id-scope',
  'install a b',
  'uplink',
  'help NL-DPS-DISABLE',
  '-x',
];

const DIRECTORY = mkdtempSync(join(tmpdir(), 'newleaf-widths-'));
after(() => rmSync(DIRECTORY, { recursive: true }));

const DONE = '  0.45 s  waiting for the issuer to sign the next leaf: leaf issued\n';

const SCREENS: readonly (readonly [name: string, shown: Shown])[] = [
  ...helpOf(NEWLEAF),
  ...helpOf(ENROLL),
  ['newleaf help uplink', commandLine(NEWLEAF, 'help uplink')],
  ...Object.keys(CODES).map((code) => [`help ${code}`, commandLine(NEWLEAF, `help ${code}`)] as const),
  ...SLIPS.map((line) => [`a slip: ${line}`, commandLine(NEWLEAF, line)] as const),
  ...Object.keys(CODES).map(
    (code) =>
      [
        `error ${code}`,
        ({ err }: Stage, screen: Screen) => err.write(complaint(failure(code as keyof typeof CODES), screen)),
      ] as const,
  ),
  ['check', (io) => checkSite(siteWith({ slot: slotWith(0x1_0000) }), args('check'), io)],
  ['check: no such check', (io) => checkSite(siteWith(), args('check', 'xyzzy'), io)],
  ['check: not set up', wrongConfig('[dps]\n')],
  ['check: mistakes', wrongConfig(`${CONFIG}\n[log]\nodd = 1\n[limits]\nodd = 2\n`)],
  [
    'tpm',
    ({ out }, screen) =>
      out.write(
        renderEndorsement({ registrationId: 'gw-0001', endorsementKey: 'A'.repeat(90), storageRootKey: 'B' }, screen),
      ),
  ],
  ['config', (io) => config(args('config', '--config', configIn(DIRECTORY)), io)],
  [
    'the progress of a roll',
    ({ out }, screen) => {
      const progress = new Progress(out, screen);
      progress.doing('waiting for the issuer to sign the next leaf, which takes a person');
      progress.print(DONE);
      progress.end();
    },
  ],
  [
    'a count',
    ({ out }, screen) => {
      const count = new Count(out, screen, 'asked');
      count.show(500, 1000, '17 failed');
      count.end();
    },
  ],
];

/** Text that is copied, and so broken nowhere: the command of an example, a key, a command with such a key, a line of TOML. */
const COPIED: readonly RegExp[] = [
  ...[NEWLEAF, ENROLL].flatMap((tool: Tool) =>
    namesOf(tool).flatMap((name) => specOf(tool, name).examples.map(({ line }) => exactly(line))),
  ),
  ...ENROLL.begin.map(exactly),
  /^(Endorsement|Storage root) key /,
  /^az iot dps /,
  /^\w+ = /,
];

function exactly(line: string): RegExp {
  return new RegExp(`^${line.trim().replace(/[^\w ]/g, '\\$&')}$`);
}

/** One word that has no place to be broken: a path, a URL, a host, an option with its value, a code. */
const isOneWord = (line: string): boolean => /^((->|#) )?\S+$/.test(line.trim());

/** Lines as the terminal has them, without colours; what is drawn in place is one line each time. */
const linesOf = (text: string): readonly string[] => text.replaceAll('\r\u001b[K', '\n').split('\n');

for (const [name, shown] of SCREENS) {
  test(`${name}: no line is longer than the screen, and no word is cut`, async () => {
    const words = new Set<string>();
    for (const width of WIDTHS) {
      const io = stage({ LANG: 'C', NO_COLOR: '1' }, true);
      for (const paper of [io.out, io.err]) Object.assign(paper, { columns: width, rows: 1000 });
      await shown(io, screenOf(io.out, io.env));
      const text = io.out.text + io.err.text;
      const long = linesOf(text).filter((line) => line.length > width);
      assert.deepEqual(
        long.filter((line) => !isOneWord(line) && !COPIED.some((one) => one.test(line.trim()))),
        [],
        `${width} columns`,
      );
      // A line that is drawn in place may be cut, and a bar be shorter; a comment or a command that goes on has a sign for it.
      const isCut = /(^|\s)\.\.\.(?=\r|$)/m.test(text);
      const bare = text.replaceAll(/[[#.\]]{12,}|# | \\(?=\n)/g, '');
      if (!isCut) words.add(bare.split(/\s+/).join(' ').trim());
    }
    assert.deepEqual([...words].slice(1), [], 'the words are the same at each width');
  });
}
