import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Status } from '../../agent/roll/report.ts';
import { validateEntry } from '../../agent/state/entry.ts';
import { createJournal } from '../../agent/state/journal.ts';
import { assertKept, queues } from '../e2e/stage/counting.ts';
import { privateKeys } from './inside.ts';
import { type At, ID, PATIENCE_MS, type Story, settled } from './stories.ts';

const isOurs = ({ label }: { readonly label: string }) => label.startsWith('newleaf-');

/** What holds while the daemon is dead. @param hadLeaf whether the gateway has ever served */
export async function judgeDead({ gateway }: At, { isTpm }: Story, hadLeaf: boolean): Promise<void> {
  const journal = createJournal({ directory: gateway.stateDirectory, validate: validateEntry });
  const entry = await journal.read();
  if (entry === 'absent') return assert.ok(!hadLeaf, 'there is no journal any more');
  const keys = isTpm ? undefined : privateKeys(gateway.token.hsm);
  if (keys === undefined) return;
  assert.ok(keys.filter(isOurs).length <= 2, `more than two keys: ${JSON.stringify(keys)}`);
  const { current } = entry;
  assert.ok(current !== undefined || !hadLeaf, 'there is no leaf any more');
  if (current === undefined) return;
  assert.ok(current.notAfter > Date.now());
  assert.ok(
    keys.some(({ id }) => id === current.key.id),
    `the key ${current.key.id} of the leaf has gone: ${JSON.stringify(keys)}`,
  );
}

/** What holds when the gateway has settled after a kill. */
export async function judgeAlive(at: At, { isTpm }: Story): Promise<void> {
  const { gateway, far, accepted } = at;
  // A daemon that comes back while it proves a candidate dials with both leaves. Where the hub takes both, as it does with those
  // that Azure issues, it may take the older one last: the session with the newer one ends, and is opened again.
  const isAccepted = ({ leaf }: Status) =>
    far.log.entries.findLast(({ event }) => event === 'connected')?.thumbprint === leaf?.thumbprint;
  const { leaf, next, outcomes } = await settled(at, isTpm ? undefined : isAccepted);
  for (const id of accepted)
    assert.ok(
      outcomes.some((one) => one.id === id && one.outcome !== 'failed'),
      `${id} was accepted: ${JSON.stringify(outcomes)}`,
    );
  if (isTpm) return;
  assert.equal(next, undefined, 'a candidate is left');
  const serves = leaf?.thumbprint ?? '';
  // The last work of a job in the token: a look beside it sees no key, or an error.
  await gateway.token.stores(`newleaf-${leaf?.slot}`, serves);
  const keys = privateKeys(gateway.token.hsm) ?? [];
  assert.deepEqual(
    keys.filter(isOurs).map(({ label }) => label),
    [`newleaf-${leaf?.slot}`],
  );
  const published = new X509Certificate(readFileSync(join(gateway.stateDirectory, 'leaf.pem')));
  assert.equal(published.fingerprint256.replaceAll(':', ''), serves, 'leaf.pem');
  // A hub that knows a device by its CA keeps no thumbprint of it.
  const { primary = '' } = (await far.device(ID))?.thumbprints ?? {};
  if (primary !== '') assert.equal(primary, serves, 'registered last wins');
}

/** What holds of the messages, when nothing is killed any more. */
export async function judgeMessages({ gateway, far, programs }: At): Promise<void> {
  for (const program of programs) {
    await program.finish(PATIENCE_MS);
    await queues(gateway, program.name, (queued) => queued === 0, PATIENCE_MS);
    const { arrived } = await assertKept(far, ID, program);
    assert.equal(arrived, program.sent, 'the program sent again what had no PUBACK');
  }
}
