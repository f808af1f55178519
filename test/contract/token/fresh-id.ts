import { randomBytes } from 'node:crypto';

/** A CKA_ID that no key has had before, in hex. */
export const freshId = (): string => randomBytes(16).toString('hex');
