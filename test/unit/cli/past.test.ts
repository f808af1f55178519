import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { run } from '../../../agent/cli/status/command.ts';
import { renderStatus } from '../../../agent/cli/status/screen.ts';
import { CODES, type Code, Fault, failure } from '../../../agent/failure/failure.ts';
import type { Status } from '../../../agent/roll/report.ts';
import { forgetStart, leaveWords } from '../../../agent/state/last-words.ts';
import { allTexts } from '../arrows/printed.ts';
import { scratch } from '../state/disk.ts';
import { answers, found } from './checks/row.ts';
import { siteWith } from './gateway.ts';
import { args, configIn, ended, leaf, NOW, stage, statusWith } from './stage.ts';

const HOURS_MS = 3_600_000;
const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');
const trouble = (code: Code) => failure(code);
const screen = { width: 80, isColoured: false, isUnicode: true };

/** What is known of a gateway whose daemon does not run, from a state that was written two hours ago. */
const lastKnown = (change: Partial<Status>) =>
  flat(
    renderStatus(statusWith({ online: false, ...change }), screen, {
      directory: '/var/lib/newleaf',
      lastKnown: { writtenAt: NOW - 2 * HOURS_MS, failure: failure('NL-DAEMON-DOWN') },
    }),
  );

/** A daemon ended by a wrong PIN two hours ago; then something else happened. */
async function endedThen(t: TestContext, then: (directory: string) => unknown): Promise<string> {
  const directory = scratch(t);
  const state = join(directory, 'state');
  mkdirSync(state);
  const io = stage();
  await leaveWords(state, failure('NL-TOKEN-PIN', { cause: 'CKR_PIN_INCORRECT' }), io.now() - 2 * HOURS_MS);
  await then(state);
  assert.equal(await run(args('status', '--config', configIn(directory)), io), 5);
  return flat(io.out.text + io.err.text);
}

interface Past {
  readonly title: string;
  readonly shown: (t: TestContext) => string | Promise<string>;
  /** The fault of the past, with its time. */
  readonly tells: RegExp;
  /** The advice there is, which is that of what is newest. */
  readonly advises: RegExp;
  /** What would be an advice of the past. */
  readonly not?: string;
}

const shown = { Id: 'newleaf.service', LoadState: 'loaded', UnitFileState: 'enabled', WatchdogUSec: '3min' } as const;
const site = siteWith();

const PASTS: readonly Past[] = [
  {
    title: 'a daemon has ended, and nothing is newer',
    shown: (t) => endedThen(t, () => {}),
    tells: /^NL-DAEMON-DOWN The daemon does not run\. It ended 2 hours ago: NL-TOKEN-PIN .* \(CKR_PIN_INCORRECT\) → /,
    advises: /→ Is it the right token\?/,
  },
  {
    title: 'a later one has opened state and token, and was stopped',
    shown: (t) => endedThen(t, forgetStart),
    tells: /^NL-DAEMON-DOWN The daemon does not run: there is no answer/,
    advises: /→ /,
    not: CODES['NL-TOKEN-PIN'].advice,
  },
  {
    title: 'the state tells of a refusal by DPS, and the daemon does not run now',
    shown: () => lastKnown({ wrong: [trouble('NL-DPS-DISABLED')] }),
    tells:
      /Last known, 2 hours ago .*NL-DPS-DISABLED Last known, 2 hours ago \(2026-11-25 12:49\): The enrollment of this/,
    advises: /→ Run `systemctl start newleaf`/,
    not: CODES['NL-DPS-DISABLED'].advice,
  },
  {
    title: 'the leaf has expired since: that is of now',
    shown: () => lastKnown({ wrong: [trouble('NL-LEAF-EXPIRED')] }),
    tells: /NL-LEAF-EXPIRED The current leaf has expired/,
    advises: /start newleaf.*→ Run `newleaf csr`/,
  },
  {
    title: 'DPS has a record of a refusal, and its enrollment may be another one now',
    shown: () =>
      found('enrollment', {
        exchange: answers(200, {
          status: 'disabled',
          lastUpdatedDateTimeUtc: new Date(site.now - 2 * HOURS_MS).toISOString().replace('Z', '1234Z'),
        }),
      }),
    tells: /DPS last answered 2 hours ago \(.*\) that the enrollment of .* is disabled/,
    advises: /If it was enabled since: `newleaf reprovision`/,
    not: CODES['NL-DPS-DISABLED'].advice,
  },
  {
    title: 'systemd knows how the daemon ended',
    shown: () =>
      found('socket', {
        status: async () => {
          throw new Fault('NL-DAEMON-DOWN');
        },
        unit: async () => ({
          ...shown,
          ActiveState: 'failed',
          NRestarts: '0',
          Result: 'exit-code',
          ExecMainStatus: '4',
          ExecMainExitTimestamp: 'Wed 2026-11-25 12:49:53 UTC',
          ExecCondition: '',
        }),
      }),
    tells: /it ended with exit code 4, Wed 2026-11-25 12:49:53 UTC/,
    advises: /Correct what else fails here, then `systemctl start newleaf`/,
  },
  {
    title: 'the last request has failed, and the gateway is well',
    shown: () =>
      flat(
        renderStatus(
          statusWith({
            leaf,
            last: ended({
              outcome: 'person',
              ...failure('NL-DPS-DISABLED'),
              endedAt: new Date(NOW - 2 * HOURS_MS).toISOString(),
            }),
          }),
          screen,
          { directory: '/var/lib/newleaf' },
        ),
      ),
    tells: /Last .* ended 2 hours ago: .*NL-DPS-DISABLED/,
    advises: /What to do Nothing/,
    not: CODES['NL-DPS-DISABLED'].advice,
  },
];

for (const { title, shown, tells, advises, not } of PASTS) {
  test(`a fault of the past has its time, and the advice is of what is newest: ${title}`, async (t) => {
    const text = await shown(t);
    assert.match(text, tells);
    assert.match(text, advises);
    if (not !== undefined) assert.ok(!text.includes(not), text);
  });
}

/** Words of a fault that is over, or may be. */
const OF_THE_PAST = /\bit ended\b|, ended…|last answered|last known|refused this PIN before|DPS refused it/i;

/** Where they stand, and what says when. */
const TOLD_IN: Readonly<Record<string, string>> = {
  'agent/cli/checks/azure.ts': 'the record of DPS',
  'agent/cli/checks/daemon.ts': 'systemd',
  'agent/cli/status/advise.ts': 'the state file',
  'agent/cli/status/last-known.ts': 'ended.json',
  'agent/cli/status/screen.ts': 'the state file, the outcome; of a candidate: when it is asked again',
  'agent/cli/request/follow.ts': 'the request that is waited for',
  'hsm/pin-record.ts': 'nothing yet: the same PIN is all that is known',
};

test('every text that tells of the past is known', () => {
  const places = new Set(allTexts().flatMap(({ place, text }) => (OF_THE_PAST.test(text) ? [place] : [])));
  assert.deepEqual([...places].sort(), Object.keys(TOLD_IN).sort());
});
