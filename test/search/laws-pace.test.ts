import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Code } from '../../agent/failure/failure.ts';
import type { Status } from '../../agent/roll/report.ts';
import { DAY, Gateway, HOUR, MINUTE } from './gateway.ts';
import { noneComesTooSoon } from './laws-pace.ts';
import { SERVING } from './origin.ts';

describe('a law of the pace is seen to break', () => {
  const base = { asked: 'register', about: 'T1', process: 1, leftMs: 30 * DAY, isUnkept: false } as const;
  const rows: readonly (readonly [what: string, answer: Code, pauseMs: number, broken: boolean])[] = [
    ['a refusal is asked about again within five minutes', 'NL-DPS-401002', 4 * MINUTE, true],
    ['and after them', 'NL-DPS-401002', 5 * MINUTE, false],
    ['a DPS that is silent is asked again within the first rung', 'NL-DPS-SERVER', 2_000, true],
    ['and after it', 'NL-DPS-SERVER', 4_000, false],
  ];
  for (const [what, answer, pauseMs, isBroken] of rows) {
    test(what, () => {
      const gateway = new Gateway(SERVING);
      gateway.world.process = 1;
      gateway.world.questions.push(
        { ...base, from: HOUR, until: HOUR + 1_000, answer },
        { ...base, from: HOUR + 1_000 + pauseMs, until: HOUR + 2_000 + pauseMs, answer },
      );
      const broken = noneComesTooSoon()(gateway, {} as Status);
      assert.equal(broken !== undefined, isBroken, broken);
    });
  }
});
