import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { renewScreens, screens } from '../../scripts/screens.ts';
import { insideNetworkNamespace } from '../namespace.ts';

/** Words, without numbers and without where lines are broken. */
const shapeOf = (screen: string): string => screen.replaceAll(/\d+/g, '0').replaceAll(/\s+/g, ' ');

/** One screen a line. */
function screensIn(readme: string): readonly string[] {
  const found = readme.matchAll(/<!-- (\w+): made by scripts\/screens\.ts -->\n([\s\S]*?)<!-- end of \1 -->/g);
  return [...found].map(([, name, screen = '']) => `${name}: ${shapeOf(screen)}`);
}

if (insideNetworkNamespace(import.meta.filename)) {
  test('the README shows what is printed (npx tsx scripts/screens.ts)', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    assert.deepEqual(screensIn(renewScreens(readme, await screens())), screensIn(readme));
  });
}
