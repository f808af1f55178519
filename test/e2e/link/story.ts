import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Entry } from '../../simulator/log.ts';
import { cut, type Site } from '../stage/site.ts';
import { tell } from '../stage/timeline.ts';

const ID = 'gw-0001';
/** For a step of the story, on the slowest line. */
export const STEP_MS = 200_000;

const reportOf = (id: string) => (entry: Entry) =>
  entry.event === 'reported' && JSON.stringify(entry.body).includes(`"last":{"id":"${id}"`);

export interface Told {
  /** Is called after each part of the story. */
  readonly after?: (part: 'start' | 'refusal' | 'roll') => void | Promise<void>;
}

/** First provisioning, a refusal by the hub and a roll, each with as many registrations and connections as on a good line. */
export async function story(t: TestContext, { far, gateway }: Site, { after = () => {} }: Told = {}): Promise<void> {
  const began = performance.timeOrigin + performance.now();
  const served = () =>
    gateway.until(({ phase, online, request }) => phase === 'serving' && online && !request, STEP_MS);
  await gateway.start();
  const { thumbprint: first = '' } = await far.log.waitFor({ event: 'connected' }, STEP_MS);
  await far.log.waitFor({ event: 'reported' }, STEP_MS);
  await served();
  tell(t, far, 0, began);
  await after('start');
  const asked = (): readonly number[] => [
    far.log.registrations(ID),
    far.log.count({ server: 'hub1', event: 'tls' }),
    far.log.count({ event: 'issued' }),
  ];
  assert.deepEqual(asked(), [1, 1, 1]);

  let since = far.log.entries.length;
  await far.forget(ID);
  await cut(far);
  await far.log.waitFor({ event: 'connack', server: 'hub1', code: 5 }, STEP_MS, since);
  await far.log.waitFor({ event: 'connected', thumbprint: first }, STEP_MS, since);
  await far.log.waitFor({ event: 'reported' }, STEP_MS, since);
  await served();
  tell(t, far, since);
  await after('refusal');
  assert.deepEqual(asked(), [2, 3, 1]);

  since = far.log.entries.length;
  const { status } = await far.callMethod(ID, 'reprovision', { action: 'roll', id: 'roll' }, STEP_MS);
  assert.equal(status, 202);
  await far.log.waitFor(reportOf('roll'), STEP_MS, since);
  const { leaf } = await served();
  tell(t, far, since);
  await after('roll');
  assert.deepEqual(asked(), [3, 4, 2]);
  assert.notEqual(leaf?.thumbprint, first);
  assert.equal((await far.device(ID))?.thumbprints.primary, leaf?.thumbprint);
  assert.equal(gateway.token.privateKeys().length, 1);
  const failures = gateway.log.lines.flatMap(({ event, code }) => (code && event !== 'transition' ? [code] : []));
  assert.deepEqual(failures, ['NL-HUB-LOST', 'NL-HUB-REJECTED']);
}
