/** Defined by scripts/build.ts; absent where the sources run unbuilt. */
declare const NEWLEAF_VERSION: string | undefined;
declare const NEWLEAF_BUILT_AT: number | undefined;

export const version = typeof NEWLEAF_VERSION === 'string' ? NEWLEAF_VERSION : '0.0.0-source';

/** Milliseconds since the epoch: no clock before it is credible. */
export const builtAt = typeof NEWLEAF_BUILT_AT === 'number' ? NEWLEAF_BUILT_AT : 0;
