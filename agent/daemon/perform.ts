import { failureOf, isMetAnew, isSure } from '../failure/failure-of.ts';
import { placeOf } from '../roll/leaf.ts';
import type { Ports } from '../roll/ports.ts';
import type { RollEffect, RollEvent } from '../roll/state.ts';

type Untimed<E> = E extends RollEvent ? Omit<E, 'at' | 'draw'> : never;

/** The result of an effect; the loop adds the time and the random number. */
export type Happened = Untimed<RollEvent>;

/**
 * Tries an effect once: port call in, event out, also for everything that is thrown.
 * @param as the registration as one string (`Terms.registered`)
 */
export function perform(effect: RollEffect, ports: Ports, as: string, abort: AbortSignal): Promise<Happened> {
  const failed = (error: unknown): Happened => ({
    kind: 'failed',
    effect,
    failure: failureOf(error),
    ...(isMetAnew(error) && { isMetAnew: true }),
    ...(isSure(error) && { isSure: true }),
  });
  return attempt(effect, ports, as, abort).catch(failed);
}

async function attempt(effect: RollEffect, ports: Ports, as: string, abort: AbortSignal): Promise<Happened> {
  const { keys, issuer, judge, dps, hub } = ports;
  switch (effect.kind) {
    case 'generate-key':
      return { kind: 'key-generated', key: await keys.generate(effect.slot, effect.id) };
    case 'request-leaf': {
      const chain = await issuer.issue(await keys.csr(effect.key), abort);
      return { kind: 'leaf-issued', leaf: await judge(chain, effect.key) };
    }
    case 'register': {
      const assignment = await dps.register(effect.leaf, abort);
      return { kind: 'registered', thumbprint: effect.leaf.thumbprint, assignment, as };
    }
    case 'connect': {
      const { leaf, assignment } = effect;
      await hub.connect(leaf, assignment, abort);
      return { kind: 'connected', thumbprint: leaf.thumbprint, hub: placeOf(assignment) };
    }
    case 'destroy-key':
      await keys.destroy(effect.key);
      return { kind: 'key-destroyed', id: effect.key.id };
  }
}
