import { FAR_SIDE } from './codes/far-side.ts';
import { GATEWAY } from './codes/gateway.ts';
import { UPLINK } from './codes/uplink.ts';

export type { FailureKind } from './codes/code.ts';

/** Every code, listed once. README.md is generated from this; a code is never reused for another meaning. */
export const CODES = { ...FAR_SIDE, ...GATEWAY, ...UPLINK } as const;

export type Code = keyof typeof CODES;
