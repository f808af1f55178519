import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { renewScreens, screens } from '../../scripts/screens.ts';
import { insideNetworkNamespace } from '../namespace.ts';

/** Words without numbers, wherever lines are broken. */
const shapeOf = (screen: string): readonly string[] =>
  screen.split(/\s+/).map((word) => (/\d/.test(word) ? '0' : word));

const screensIn = (readme: string): ReadonlyMap<string, readonly string[]> =>
  new Map(
    [...readme.matchAll(/<!-- (\w+): made by scripts\/screens\.ts -->\n([\s\S]*?)<!-- end of \1 -->/g)].map(
      ([, name = '', screen = '']) => [name, shapeOf(screen)],
    ),
  );

if (insideNetworkNamespace(import.meta.filename)) {
  test('the README shows what is printed (npx tsx scripts/screens.ts)', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    const printed = screensIn(renewScreens(readme, await screens()));
    assert.ok(printed.size > 0);
    for (const [name, shown] of screensIn(readme)) {
      const now = printed.get(name) ?? [];
      const at = now.findIndex((word, index) => word !== shown[index]);
      const excerpt = (words: readonly string[]) => words.slice(Math.max(0, at - 8), at + 12).join(' ');
      assert.equal(excerpt(now), excerpt(shown), `screen "${name}" is out of date`);
      assert.equal(now.length, shown.length, `screen "${name}" is out of date: it is longer`);
    }
  });
}
