import { suite, test } from 'node:test';
import { play } from './breakage.ts';
import { BREAKAGES } from './breakages.ts';

suite('ten ways to be broken', { concurrency: true }, () => {
  for (const breakage of BREAKAGES) test(breakage.title, (t) => play(t, breakage));
});
