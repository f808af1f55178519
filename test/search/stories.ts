import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Origin } from './origin.ts';
import { play } from './play.ts';
import type { Vector } from './vector.ts';

type Story = readonly [what: string, origin: Origin, deeds: Vector['deeds'], ...spells: Vector['spells'][number][]];

/** Stories that broke a law once. */
export const stories = (name: string, told: readonly Story[]): void => {
  describe(name, () => {
    for (const [what, origin, deeds, ...spells] of told)
      test(what, async () => assert.deepEqual((await play({ origin, spells, deeds })).broken, []));
  });
};
