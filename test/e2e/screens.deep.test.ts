import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blocksIn, pages, readPage } from '../../scripts/pages/blocks.ts';
import { BY, renewScreens, screens } from '../../scripts/screens.ts';
import { insideNetworkNamespace } from '../namespace.ts';

/** Words without numbers, wherever lines are broken. */
const shapeOf = (screen: string): readonly string[] =>
  screen.split(/\s+/).map((word) => (/\d/.test(word) ? '0' : word));

const screensIn = (text: string): ReadonlyMap<string, readonly string[]> =>
  new Map(
    [...text.matchAll(/<!-- (\w+): made by scripts\/screens\.ts -->\n([\s\S]*?)<!-- end of \1 -->/g)].map(
      ([, name = '', screen = '']) => [name, shapeOf(screen)],
    ),
  );

if (insideNetworkNamespace(import.meta.filename)) {
  test('the pages show what is printed (npx tsx scripts/screens.ts)', async () => {
    const shown = await screens();
    const texts = pages().map(readPage);
    const placed = texts.flatMap((text) => blocksIn(text, BY));
    assert.deepEqual([...new Set(placed)].sort(), Object.keys(shown).sort(), 'every screen has a place');
    for (const text of texts) {
      const printed = screensIn(renewScreens(text, shown));
      for (const [name, screen] of screensIn(text)) {
        const now = printed.get(name) ?? [];
        const at = now.findIndex((word, index) => word !== screen[index]);
        const excerpt = (words: readonly string[]) => words.slice(Math.max(0, at - 8), at + 12).join(' ');
        assert.equal(excerpt(now), excerpt(screen), `screen "${name}" is out of date`);
        assert.equal(now.length, screen.length, `screen "${name}" is out of date: it is longer`);
      }
    }
  });
}
