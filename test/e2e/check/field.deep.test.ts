import { suite, test } from 'node:test';
import { play } from './breakage.ts';
import { FIELD } from './field.ts';

const isRoot = process.getuid?.() === 0;

suite('what a technician meets in the field', { concurrency: true }, () => {
  for (const breakage of FIELD) test(breakage.title, { skip: breakage.needsRoot && !isRoot }, (t) => play(t, breakage));
});
