import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Gateway } from '../../../test/e2e/stage/gateway.ts';
import type { Ground } from './ground.ts';
import { findable } from './lag.ts';
import { begun, command, PATIENCE_MS, settledOn, settledOnOther } from './stories.ts';

const SECOND = 1_000;
/** A leaf with this policy is due 50 s after it was issued: newleaf renews at 66 % of its life, and refuses one that is due already. */
const SHORT = { lifetimeMs: 90 * SECOND, backdateMs: 30 * SECOND };

/** What makes newleaf register or roll, in the order in which it is played with one gateway of a group. */
export interface Trigger {
  readonly title: string;
  readonly pull: (ground: Ground, gateway: Gateway) => Promise<void>;
}

async function rolls(gateway: Gateway, pull: () => Promise<unknown>): Promise<void> {
  const { leaf } = await gateway.status();
  await pull();
  await settledOnOther(gateway, leaf?.thumbprint ?? '');
}

/**
 * The operator has a gateway roll, and asks again as long as it answers 429: two rolls may follow each other faster than its
 * `limits.min_roll_interval` allows. `enroll` does not show the seconds that the answer names, a few at most.
 */
async function asked({ operator }: Ground, line: string): Promise<void> {
  for (const from = Date.now(); ; await pause(SECOND)) {
    const failed = await operator.types(line).then(
      () => undefined,
      (error: Error) => error,
    );
    if (failed === undefined) return;
    if (!failed.message.includes('over its budget (429)') || Date.now() - from > PATIENCE_MS) throw failed;
  }
}

async function unauthorized({ operator }: Ground, gateway: Gateway): Promise<void> {
  const { leaf } = await gateway.status();
  const since = gateway.log.lines.length;
  await operator.types(`enroll forget ${gateway.registrationId}`);
  await gateway.log.waitFor({ event: 'connected' }, { since, timeoutMs: PATIENCE_MS });
  await settledOn(gateway, leaf?.thumbprint ?? '');
}

async function grownOld({ ca }: Ground, gateway: Gateway): Promise<void> {
  await ca.setPolicy(SHORT);
  try {
    await rolls(gateway, () => command(gateway, ['roll', '--wait']));
  } finally {
    await ca.setPolicy({});
  }
  await rolls(gateway, async () => undefined);
  const { last } = await gateway.status();
  assert.equal(last?.reason, 'due');
}

const job = (id: string): string => `enroll reprovision --job "deviceId = '${id}'" --action roll`;

export const TRIGGERS: readonly Trigger[] = [
  { title: 'The first start, with a group', pull: async (_, gateway) => void (await begun(gateway)) },
  {
    title: 'A technician: newleaf roll',
    pull: (_, gateway) => rolls(gateway, () => command(gateway, ['roll', '--wait'])),
  },
  {
    title: 'The direct method reprovision',
    pull: (ground, gateway) =>
      rolls(gateway, () => asked(ground, `enroll reprovision ${gateway.registrationId} --action roll`)),
  },
  {
    title: 'A job of the hub',
    pull: async (ground, gateway) => {
      await findable(ground, gateway.registrationId);
      await rolls(gateway, () => asked(ground, job(gateway.registrationId)));
    },
  },
  { title: '"unauthorized": the hub has forgotten the device', pull: unauthorized },
  { title: 'The leaf has grown old', pull: grownOld },
];
