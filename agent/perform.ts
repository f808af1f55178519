import { type Failure, Fault, failure } from './roll/failure.ts';
import type { Ports } from './roll/ports.ts';
import type { RollEffect, RollEvent } from './roll/state.ts';

type Untimed<E> = E extends RollEvent ? Omit<E, 'at' | 'draw'> : never;

/** What came of an effect; the loop adds the time and the dice. */
export type Happened = Untimed<RollEvent>;

/**
 * Tries an effect once: port call in, event out. The only place that turns a throw into a failure.
 * @param as what is registered, as one string (`Terms.registered`)
 */
export async function perform(effect: RollEffect, ports: Ports, as: string, abort: AbortSignal): Promise<Happened> {
  try {
    return await attempt(effect, ports, as, abort);
  } catch (error) {
    return { kind: 'failed', effect, failure: failureOf(error) };
  }
}

async function attempt(effect: RollEffect, ports: Ports, as: string, abort: AbortSignal): Promise<Happened> {
  const { keys, issuer, judge, dps, hub } = ports;
  switch (effect.kind) {
    case 'generate-key':
      return { kind: 'key-generated', key: await keys.generate(effect.slot) };
    case 'request-leaf': {
      const chain = await issuer.issue(await keys.csr(effect.key), abort);
      const leaf = await judge(chain, effect.key);
      await keys.store(leaf);
      return { kind: 'leaf-issued', leaf };
    }
    case 'register': {
      const assignment = await dps.register(effect.leaf, abort);
      return { kind: 'registered', thumbprint: effect.leaf.thumbprint, assignment, as };
    }
    case 'connect': {
      const { leaf, assignment } = effect;
      await hub.connect(leaf, assignment, abort);
      return { kind: 'connected', thumbprint: leaf.thumbprint, hub: assignment.hub };
    }
    case 'destroy-key':
      await keys.destroy(effect.key);
      return { kind: 'key-destroyed', id: effect.key.id };
  }
}

/** What hsm/ throws is told by its kind: hsm/ knows nothing of our codes. */
const TOKEN_CODES = {
  module: 'NL-TOKEN-MODULE',
  engine: 'NL-TOKEN-ENGINE',
  missing: 'NL-TOKEN-MISSING',
  pin: 'NL-TOKEN-PIN',
  'pin-locked': 'NL-TOKEN-PIN-LOCKED',
  'pin-file': 'NL-TOKEN-PIN-FILE',
  key: 'NL-TOKEN-KEY',
  occupied: 'NL-TOKEN-OCCUPIED',
  poisoned: 'NL-TOKEN-POISONED',
  failed: 'NL-TOKEN-FAILED',
} as const;

export function failureOf(error: unknown): Failure {
  if (error instanceof Fault) return error.failure;
  if (error instanceof Error && error.name === 'TokenError' && 'kind' in error) {
    const code = TOKEN_CODES[error.kind as keyof typeof TOKEN_CODES];
    if (code !== undefined) return failure(code, { message: error.message });
  }
  return failure('NL-INTERNAL', { cause: error instanceof Error ? (error.stack ?? error.message) : error });
}
