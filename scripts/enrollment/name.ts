/** Defined by scripts/operator/package.ts, whose program has a longer name: in a PATH, `enroll` could be anything. */
declare const ENROLL_NAME: string | undefined;

/** The program, as every text calls it: what it advises can be pasted. scripts/enroll tells how the person has called it. */
export const NAME = typeof ENROLL_NAME === 'string' ? ENROLL_NAME : (process.env.NEWLEAF_ENROLL_CALLED ?? 'enroll');
