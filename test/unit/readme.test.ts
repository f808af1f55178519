import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { blocksIn, pages, ROOT, readPage, renewBlocks } from '../../scripts/pages/blocks.ts';
import { readingsIn, renewCounts } from '../../scripts/pages/evening.ts';
import { linksIn, PACKAGED, packaged } from '../../scripts/pages/packaged.ts';
import { PARTS, renew } from '../../scripts/readme.ts';

const PAGES = pages();
const exists = (path: string): boolean => existsSync(join(ROOT, path));

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)];
  return new Set(
    headings.map(([, heading = '']) =>
      heading
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Links of a page whose file or heading is not there. @param read another page; undefined where there is none */
function dead(page: string, text: string, read: (path: string) => string | undefined): readonly string[] {
  const within = [...text.matchAll(/\]\((#[^)]*)\)/g)].map(([, written = '']) => ({ written, path: page }));
  return [...linksIn(page, text), ...within].flatMap(({ written, path }) => {
    const target = path === page ? text : read(path);
    const anchor = /#(.*)/.exec(written)?.[1];
    if (target === undefined) return [written];
    return anchor === undefined || anchorsOf(target).has(anchor) ? [] : [written];
  });
}

describe('what is derived from the source', () => {
  for (const page of PAGES) {
    test(`${page} is up to date (npx tsx scripts/readme.ts)`, () =>
      assert.equal(renew(readPage(page)), readPage(page)));
  }

  test('every part has its place', () => {
    const placed = PAGES.flatMap((page) => blocksIn(readPage(page), 'scripts/readme.ts'));
    assert.deepEqual([...placed].sort(), Object.keys(PARTS).sort());
  });

  test('a block that nothing makes, or that does not end, is told', () => {
    const begin = '<!-- x: made by s -->\n';
    assert.equal(renewBlocks(`${begin}old\n<!-- end of x -->\n`, 's', { x: () => 'new' }).includes('old'), false);
    assert.throws(() => renewBlocks(`${begin}<!-- end of x -->`, 's', {}), /does not make "x"/);
    assert.throws(() => renewBlocks(begin, 's', { x: () => '' }), /has no end/);
  });
});

describe('pages lead on', () => {
  const read = (path: string) => {
    if (!exists(path)) return undefined;
    return path.endsWith('.md') ? readPage(path) : '';
  };
  for (const page of PAGES) {
    test(`${page}: its links lead somewhere`, () => assert.deepEqual(dead(page, readPage(page), read), []));

    test(`${page}: the paths it names are there`, () => {
      const named = [...readPage(page).matchAll(/`((?:agent|hsm|scripts|systemd|test|\.github)\/[\w./-]*)/g)];
      assert.deepEqual(
        named.map(([, path = '']) => path).filter((path) => !/\bNAME\b/.test(path) && !exists(path)),
        [],
      );
    });
  }

  test('one that leads nowhere is found', () => {
    const text =
      '# A b\n[a](gone.md) [b](#a-b) [c](#c) [d](README.md#two-commands) [e](README.md#none) [f](https://x.org)';
    assert.deepEqual(
      dead('page.md', text, (path) => (path === 'README.md' ? readPage(path) : undefined)),
      ['gone.md', 'README.md#none', '#c'],
    );
  });

  test('every page is reached from README.md', () => {
    const reached = new Set<string>();
    const visit = (page: string): void => {
      if (reached.has(page) || !exists(page)) return;
      reached.add(page);
      for (const { path } of linksIn(page, readPage(page))) if (path.endsWith('.md')) visit(path);
    };
    visit('README.md');
    assert.deepEqual([...reached].sort(), [...PAGES].sort());
  });
});

describe('what a package carries', () => {
  const there = new Map(Object.entries(PACKAGED).map(([page, name]) => [name, packaged(page, readPage(page))]));
  for (const [name, text] of there) {
    test(`${name}: its links lead to pages beside it`, () => {
      assert.deepEqual(
        dead(name, text, (path) => there.get(path)),
        [],
      );
      assert.doesNotMatch(text, /^<!--/m);
    });
  }

  test('what is not there is named in words', () => {
    const text =
      '<!-- a -->\n- a<br>b\n[codes](../agent/failure/README.md#dps) [map](../agent/README.md) [x](#y) [z](https://z.org)';
    assert.equal(
      packaged('systemd/README.md', text),
      '- a\n  b\n[codes](codes.md#dps) map (agent/README.md in the source) [x](#y) [z](https://z.org)',
    );
  });
});

describe('a stranger finds the way', () => {
  test('README.md is read in ten minutes', () => {
    const text = readPage('README.md');
    const lines = text.trimEnd().split('\n');
    assert.ok(lines.length <= 80 && text.length <= 9_000, `${lines.length} lines, ${text.length} characters`);
    assert.deepEqual(
      lines.filter((line) => line.length > (line.startsWith('|') ? 300 : 400)),
      [],
    );
  });

  test('the map has every folder', () => {
    const folders = readdirSync(join(ROOT, 'agent'), { withFileTypes: true }).filter((found) => found.isDirectory());
    const [, map = ''] = readPage('agent/README.md').split('## The folders');
    assert.deepEqual(
      folders.map(({ name }) => `\`agent/${name}/\``).filter((folder) => !map.includes(folder)),
      [],
    );
  });

  test('an evening is enough for the core', () => {
    const readings = readingsIn(readPage('agent/README.md'));
    assert.ok(readings.length >= 15);
    const lines = readings.reduce((sum, reading) => sum + reading.lines, 0);
    assert.ok(lines <= 3_000, `${lines} lines: leave a file out of the reading order`);
  });

  test('a count of lines that is far off is put right, and others stay', () => {
    const [{ lines } = { lines: 0 }] = readingsIn('| `agent/roll/core/settle.ts` | 0 | a');
    const row = (count: number) => `| \`agent/roll/core/settle.ts\` | ${count} | a`;
    assert.equal(renewCounts(row(0)), row(Math.round(lines / 10) * 10));
    assert.equal(renewCounts(row(lines - 9)), row(lines - 9));
    assert.throws(() => renewCounts('| `agent/gone.ts` | 10 | a'), /ENOENT/);
  });

  const PUZZLES = /(?<!\*)\b(whoever|whomever|nobody|somebody|anybody|everybody)\b/i;
  for (const page of PAGES) {
    test(`${page}: sentences have a subject`, () => {
      const own = readPage(page).replaceAll(/^<!-- \S+: made by [\s\S]*?^<!-- end of .*$/gm, '');
      assert.deepEqual(
        own.split('\n').filter((line) => PUZZLES.test(line)),
        [],
        'name the person or the thing: .github/CONTRIBUTING.md, "Words"',
      );
    });
  }
});
