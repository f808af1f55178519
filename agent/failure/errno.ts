/** What passes: the same call may work in a moment, and no person has to put anything right in a configuration. */
const PASSING: ReadonlySet<unknown> = new Set([
  'EAGAIN',
  'EBUSY',
  'EDQUOT',
  'EINTR',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'ENOSPC',
  'ESTALE',
  'ETIMEDOUT',
]);

/**
 * Whether a system call failed for want of something that comes back: room, memory, descriptors, a disk. A daemon that ends
 * for that must be started again, so it is told apart from a mistake that a person has made.
 */
export const isPassing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && PASSING.has(error.code);
