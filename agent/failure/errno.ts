/** Passing errors: the same call may work in a moment, and the configuration is not at fault. */
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
 * Whether a system call failed because a resource is short for the moment: room, memory, descriptors, a disk. A daemon that
 * ends for that must be started again, unlike one that ends for a person's mistake.
 */
export const isPassing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && PASSING.has(error.code);

/** For a catch: what stands for a file that is not there. @throws every other error */
export const onMissing =
  <T>(instead: T) =>
  (error: unknown): T => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return instead;
    throw error;
  };
