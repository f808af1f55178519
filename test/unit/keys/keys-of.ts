import { createKeys } from '../../../agent/keys/slots.ts';
import type { Token } from '../../../hsm/token.ts';

type Options = Parameters<typeof createKeys>[0];
type Parts = Pick<Options, 'directory'> & Partial<Options>;

/** The keys of gateway gw-0001, which wants EC P-256, has no leaf yet, and is asked nothing but what the test names. */
export const keysOf = (token: object, parts: Parts) =>
  createKeys({
    token: token as unknown as Token,
    apart: token as unknown as Token,
    prefix: 'newleaf',
    keyType: 'ec-p256',
    registrationId: 'gw-0001',
    current: () => undefined,
    making: (work) => work(),
    wrote: () => {},
    warn: () => {},
    clearing: async () => ({ advice: '' }),
    destroy: async () => {},
    ...parts,
  });
