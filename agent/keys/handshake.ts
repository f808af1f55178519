import { tokenErrorOf } from '../../hsm/engine.ts';
import type { Dps, Hub } from '../roll/ports.ts';

/**
 * DPS and hub, reached with a key in the token: a handshake is where it shows that the key is gone. What OpenSSL says of the
 * token is told as the token's fault.
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
