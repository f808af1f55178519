import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, test } from 'node:test';
import { ARROWS, HOUSE, type Room } from './house.ts';

interface Import {
  readonly from: string;
  /** The whole statement is `import type`. */
  readonly types: boolean;
}

/** Static and dynamic imports, re-exports, and require. */
function importsOf(text: string): readonly Import[] {
  const found = [
    ...text.matchAll(/^\s*(?:import|export)\s+(type\s)?[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm),
    ...text.matchAll(/^\s*import\s+()['"]([^'"]+)['"]/gm),
    ...text.matchAll(/()\b(?:import|require|import\.meta\.resolve)\s*\(\s*['"`]([^'"`]+)['"`]/g),
  ];
  return found.map(([, type, from = '']) => ({ from, types: Boolean(type) }));
}

const roomOf = (file: string): Room | undefined => HOUSE.find(({ files }) => files.test(file));

/** Why this import is forbidden, or undefined where it is not. */
function refusal(file: string, { from, types }: Import): string | undefined {
  const room = roomOf(file);
  if (room === undefined) return `${file} is in no room: say in house.ts where it belongs and what it may import`;
  const refuse = (target: string) =>
    `${file} imports ${from}, but ${room.name} → ${target} is forbidden: ${ARROWS[`${room.name} → ${target}`] ?? room.why}`;
  if (!from.startsWith('.')) {
    const name = from.startsWith('node:') ? 'node:' : from.split('/', from.startsWith('@') ? 2 : 1).join('/');
    const any = name !== 'node:' && room.packages.includes('*');
    return any || room.packages.includes(name) ? undefined : refuse(name);
  }
  const path = posix.join(posix.dirname(file), from);
  const target = roomOf(path)?.name ?? path;
  const allowed = target === room.name || room.may.includes(target);
  return allowed || (types && room.types?.includes(target)) ? undefined : refuse(target);
}

const root = join(import.meta.dirname, '..', '..');
const MADE = new Set(['node_modules', 'dist', '.cache', '.git']);

function sources(directory = '.'): readonly string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((found) => {
    const path = posix.join(directory, found.name);
    if (found.isDirectory()) return MADE.has(found.name) ? [] : sources(path);
    return found.name.endsWith('.ts') ? [path] : [];
  });
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const all = sources();
const housed = all.filter((file) => /^(agent|hsm|test\/simulator)\//.test(file));

describe('every import goes where the house allows', () => {
  for (const { name, files } of HOUSE) {
    test(name, () => {
      const imports = housed.filter((file) => files.test(file)).map((file) => [file, importsOf(read(file))] as const);
      const refused = imports.flatMap(([file, list]) => list.map((one) => refusal(file, one)));
      assert.deepEqual(
        refused.filter((why) => why !== undefined),
        [],
      );
    });
  }

  test('every file is in one room, and no more', () => {
    const lost = housed.filter((file) => HOUSE.filter(({ files }) => files.test(file)).length !== 1);
    assert.deepEqual(lost, [], 'say in house.ts where these belong and what they may import');
  });

  test('no import is computed: this test could not follow it', () => {
    assert.deepEqual(
      housed.filter((file) => /\bimport\s*\(\s*[^\s'"]/.test(read(file))),
      [],
    );
  });
});

test('no two files import each other: what both need is a third file', () => {
  const targets = new Map(
    housed.map((file) => [
      file,
      new Set(importsOf(read(file)).map(({ from }) => posix.join(posix.dirname(file), from))),
    ]),
  );
  const mutual = housed.flatMap((file) =>
    [...(targets.get(file) ?? [])]
      .filter((other) => file < other && targets.get(other)?.has(file))
      .map((other) => `${file} ↔ ${other}`),
  );
  assert.deepEqual(mutual, []);
});

/** Names that mean two things, and why they may. */
const TWOFOLD: Readonly<Record<string, string>> = {
  run: 'each command of newleaf has one',
  Program: 'one that an issuer starts, and one of the gateway that connects',
  Answer: 'of a person or a program, and of the outside to a question of the core',
  Question: 'of a terminal, and of the core to the outside',
  Asking: 'at a terminal, and of the core',
  named: 'a name of X.500, and a key that the core has named',
  withLeaf: 'of a check, and of a memory',
  leafOf: 'of a pair that is adopted, and of a memory',
  ended: 'a process, and a request of the core',
  REQUESTS: 'topics of Azure, and rows of the core',
  Generation: 'a key in the token, and what is to become current',
  Memory: 'a queue that has no disk, and the facts of the core',
  Wanted: 'a certificate for a program, and a question of the core',
  Heard: 'what a child of the token says, and what comes of a request',
};

test('an exported name means one thing', () => {
  const homes = new Map<string, string[]>();
  for (const file of all.filter((path) => /^(agent|hsm)\//.test(path))) {
    const exported = read(file).matchAll(
      /^export (?:async )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm,
    );
    for (const [, name = ''] of exported) homes.set(name, [...(homes.get(name) ?? []), file]);
  }
  const doubled = [...homes].filter(([name, files]) => files.length > 1 && TWOFOLD[name] === undefined);
  assert.deepEqual(doubled, [], 'name one of them by what it is there, or say in TWOFOLD why both may have it');
});

test('a time limit is made in one place: Node 20 loses others at a garbage collection', () => {
  const raw = all.filter((file) => file.startsWith('agent/') && read(file).includes('AbortSignal.timeout('));
  assert.deepEqual(raw, ['agent/time/limited.ts']);
});

test('HTTPS is asked in one place: a request that is made elsewhere forgets port 443', () => {
  const raw = all.filter(
    (file) => /^(agent|hsm)\//.test(file) && /['"](node:)?https['"]|\bfetch\(\s*['"`u]/.test(read(file)),
  );
  // The first only has it loaded.
  assert.deepEqual(raw, ['agent/launch/lean.ts', 'agent/network/https.ts']);
});

test('a single statement stands beside its condition where both fit into a line', () => {
  const BRACED = /^( *)((?:if|for|while) \(.*\)) \{\n +(?!\/\/|if |for )([^\n]*;)\n\1\}\n/gm;
  const wide = all.flatMap((file) =>
    [...read(file).matchAll(BRACED)]
      .filter(([, margin = '', head = '', body = '']) => `${margin}${head} ${body}`.length <= 120)
      .map(([, , head]) => `${file}: ${head}`),
  );
  assert.deepEqual(wide, [], 'take the braces away: one style for all');
});

describe('forbidden arrows are found, and a reason is given', () => {
  const rows: readonly (readonly [file: string, statement: string, reason: RegExp | undefined])[] = [
    ['agent/roll/step.ts', "import { readFileSync } from 'node:fs';", /roll → node: .* handed in/],
    ['agent/roll/step.ts', "import { pino } from 'pino';", /roll → pino .* pure/],
    ['agent/roll/step.ts', "import type { Log } from '../machine/log.ts';", /roll → machine .* pure/],
    ['agent/roll/step.ts', "import { settle } from './moves.ts';", undefined],
    ['hsm/sign.ts', "import { failure } from '../agent/failure/failure.ts';", /hsm → failure .* of its own/],
    ['hsm/tls.ts', "import { Client } from 'azure-iot-device';", /hsm → azure-iot-device .* nothing of Azure/],
    ['agent/dps/wire.ts', "import { connect } from '../hub/session.ts';", /dps → hub .* for the machine to say/],
    ['agent/hub/session.ts', "export { register } from '../dps/registration.ts';", /hub → dps .* decision/],
    ['agent/hub/session.ts', "import { dial } from '../mqtt/tap.ts';", undefined],
    ['agent/issuer/est.ts', "const a = await import('../state/journal.ts');", /issuer → state .* intent/],
    ['agent/issuer/est.ts', "import { openToken } from '../../hsm/token.ts';", /issuer → hsm .* one effect/],
    ['agent/issuer/est.ts', "import type { Token } from '../../hsm/token.ts';", undefined],
    [
      'agent/daemon/perform.ts',
      "import { createHub } from '../hub/session.ts';",
      /daemon → hub .* never as an adapter/,
    ],
    ['agent/daemon/daemon.ts', "import { openToken } from '../../hsm/token.ts';", /daemon → hsm .* port/],
    ['agent/daemon/daemon.ts', "import '../../hsm/token.ts';", /daemon → hsm .* port/],
    [
      'agent/cli/request/roll.ts',
      "import { Daemon } from '../../daemon/daemon.ts';",
      /cli → daemon .* asks the daemon/,
    ],
    ['agent/cli/request/roll.ts', "import { run } from '../../main.ts';", /cli → main/],
    ['agent/cli/status/command.ts', "import { pin } from '../init/pin.ts';", /cli → init/],
    ['agent/cli/run/command.ts', "import { x } from '../../../test/simulator/ca.ts';", /run → simulator/],
    ['test/simulator/dps.ts', "import { parse } from '../../agent/dps/wire.ts';", /simulator → dps .* second time/],
    ['test/simulator/dps.ts', "const sign = require('../../hsm/sign.ts');", /simulator → hsm .* second time/],
    ['test/simulator/dps.ts', "import {\n  parser,\n} from 'mqtt-packet';", undefined],
    ['agent/stray.ts', "import { a } from './machine/log.ts';", /in no room/],
  ];
  for (const [file, statement, reason] of rows) {
    test(`${file}: ${statement.replaceAll('\n', ' ')}`, () => {
      const [found, ...more] = importsOf(statement);
      assert.ok(found !== undefined && more.length === 0);
      const said = refusal(file, found);
      if (reason === undefined) assert.equal(said, undefined);
      else assert.match(said ?? 'allowed', reason);
    });
  }
});

test('what asks and what waits can only look', () => {
  const moves = ['generation', 'settle', 'requests', 'rows-key', 'rows-leaf', 'rows-requests', 'advance'];
  const looks = ['knots', 'pace', 'asks', 'plan', 'view'];
  const found = looks.flatMap((name) =>
    importsOf(read(`agent/roll/core/${name}.ts`)).map(({ from }) => `${name}: ${from}`),
  );
  assert.deepEqual(
    found.filter((one) => moves.some((move) => one.endsWith(`./${move}.ts`))),
    [],
    'what moved the memory there would decide twice: facts follow from facts in settle.ts alone',
  );
});

describe('the machine has neither clock nor dice', () => {
  const OUTSIDE =
    /\b(Date\.now|new Date\(\)|Date\(\)|Math\.random|set(Timeout|Interval|Immediate)|queueMicrotask|process\.|performance\.|crypto\.|globalThis|fetch\(|console\.|Buffer\b|await|async)/;
  for (const file of all.filter((path) => path.startsWith('agent/roll/'))) {
    test(file, () => {
      const [found] = OUTSIDE.exec(read(file).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')) ?? [];
      assert.equal(
        found,
        undefined,
        `${found} in ${file}: it is handed in with the event, else the walk proves nothing`,
      );
    });
  }
});

describe('the house is kept in order', () => {
  test('no file is over 300 lines', () => {
    const long = all.filter((file) => read(file).split('\n').length - 1 > 300);
    assert.deepEqual(long, [], 'split it by nouns: nobody reads more in one go');
  });

  test('no file is named after what every file does', () => {
    const BANNED = /(^|[/.-])(managers?|helpers?|utils?|common|services?|handlers?|handle|process|data)[.-]/;
    assert.deepEqual(
      all.filter((file) => BANNED.test(file)),
      [],
    );
  });

  test('nothing lies at the top level that has no place there', () => {
    const PLACES = ['agent', 'hsm', 'scripts', 'systemd', 'test', 'node_modules', 'dist'].concat([
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'Dockerfile.arm64',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
    ]);
    const stray = readdirSync(root).filter((name) => !name.startsWith('.') && !PLACES.includes(name));
    assert.deepEqual(stray, []);
  });
});
