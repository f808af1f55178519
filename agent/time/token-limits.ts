/**
 * Longest time for making a key, in milliseconds. A smart card may need minutes for an RSA key; a job that has not ended by then
 * hangs, and is killed.
 */
export const KEY_MADE_MS = 5 * 60_000;

/** Longest time for each other work with the token in a job, in milliseconds: a signature of a slow card takes ten seconds. */
export const TOKEN_WORK_MS = 2 * 60_000;
