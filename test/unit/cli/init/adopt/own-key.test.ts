import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { askFirstKey } from '../../../../../agent/cli/init/adopt/begin.ts';
import type { FoundKey } from '../../../../../agent/cli/proof/errands.ts';
import { entryOf } from '../../../../../agent/roll/core/entry.ts';
import { blank, type Memory } from '../../../../../agent/roll/core/memory.ts';
import { validateEntry } from '../../../../../agent/state/entry.ts';
import { createJournal, endJournal } from '../../../../../agent/state/journal.ts';
import { DAY, type Minted, mint } from '../../../certificate/mint.ts';
import { fault, scratch } from '../../../state/disk.ts';
import { scene } from '../stage.ts';

const now = Date.now();
const valid = { notBefore: now - DAY, notAfter: now + DAY };
const ca = await mint({ subject: 'CN=CA', ca: true, ...valid });
const older = await mint({ by: ca, ...valid, notBefore: now - DAY / 2 });
const newer = await mint({ by: ca, ...valid, notBefore: now - DAY / 4 });
const found = (label: string, { spki, pem }: Minted): FoundKey => ({
  label,
  id: `0${label.at(-1)}`,
  spki: spki.toString('base64'),
  chain: pem,
});
const keys = [found('newleaf-a', older), found('newleaf-b', newer)];

/** `init --adopt token --yes` on a token with two keys of our own. */
async function adopted(t: TestContext, state?: Partial<Memory> | 'ended' | 'gone') {
  const directory = scratch(t);
  const journal = createJournal({ directory, validate: validateEntry });
  if (typeof state === 'string') await endJournal(directory, now, state);
  else if (state !== undefined) await journal.write(entryOf({ ...blank, ...state }));
  const configured = { 'dps.registration_id': 'gw-0001', 'state.directory': directory, 'hsm.pin_file': '/dev/null' };
  const { guide, paper } = scene({ configured, errands: { keysIn: async () => keys } });
  const asked = askFirstKey({ ...guide, adopted: {} });
  return { asked, paper, guide, has: (name: string) => existsSync(join(directory, name)), directory };
}

/** The next generation has this key. */
const keyed = (id: string, made: { readonly isMade?: true } = {}): Partial<Memory> => ({
  next: { key: { slot: 'a', id }, because: 'provisioning', ...made },
});
for (const [what, state] of [
  ['there is none', undefined],
  ['it is that of a daemon which came to no key', keyed('0e')],
  ['it is that of a gateway which was given up', 'gone'],
] as const) {
  test(`a lost state, and ${what}: the newer leaf goes on, with a key of our own`, async (t) => {
    const { asked, guide, has, directory } = await adopted(t, state);
    await asked;
    assert.equal(readFileSync(join(directory, 'adopted.pem'), 'utf8').trim(), newer.pem.trim());
    assert.deepEqual([guide.answers.get('hsm.key'), has('state.json')], [undefined, false]);
  });
}

for (const [what, state] of [
  ['has a key', keyed('0e', { isMade: true })],
  ['may have made one of these', keyed('0a')],
  ['is not given up to the end', 'ended'],
] as const) {
  test(`a state that ${what} is not lost, and stays`, async (t) => {
    const { asked, has } = await adopted(t, state);
    await assert.rejects(asked, fault('NL-TOKEN-KEY', /no key with a certificate/));
    assert.deepEqual([has('state.json'), has('adopted.pem')], [true, false]);
  });
}
