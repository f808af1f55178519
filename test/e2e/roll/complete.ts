import assert from 'node:assert/strict';
import { assertPlayed } from './matters.ts';
import { TYPED } from './operator.ts';
import { otherwise, usually } from './scene.ts';
import { STORIES, type Story } from './stories.ts';

/** The last test of a file: it has played these stories as `scripts/enrollment/README.md` tells them, in every position that matters. */
export function complete(...stories: readonly Story[]): void {
  for (const story of stories) {
    usually(`${story}: told as it was played`, async () => {
      for (const line of STORIES[story].operator.flat()) {
        assert.ok(!line.startsWith('enroll ') || TYPED.has(line), `nobody has typed: ${line}`);
      }
    });
    otherwise(`${story}: every position that matters`, async () => assertPlayed(story));
  }
}
