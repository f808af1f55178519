import { tokenErrorOf } from '../../hsm/engine.ts';
import type { Dps, Hub } from '../roll/ports.ts';

/**
 * DPS and hub, reached with a key in the token: a lost key shows in the handshake. An OpenSSL error about the token is
 * reported as a fault of the token.
 */
export function overToken({ dps, hub }: { readonly dps: Dps; readonly hub: Hub }): { dps: Dps; hub: Hub } {
  return {
    dps: { register: (leaf, abort) => dps.register(leaf, abort).catch(rethrow) },
    hub: { ...hub, connect: (leaf, assignment, abort) => hub.connect(leaf, assignment, abort).catch(rethrow) },
  };
}

function rethrow(error: unknown): never {
  throw tokenErrorOf(error) ?? error;
}
