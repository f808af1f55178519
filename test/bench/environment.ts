const KEPT = /^(PATH|HOME|LANG|TMPDIR|MINUTES|NEWLEAF_TEST_\w+)$/;

/**
 * What bare Node and gateway are measured in: a unit has no more. With the tester's NODE_EXTRA_CA_CERTS, Node 20.20 reads all of its
 * CAs at each start, which doubles the CPU of a bare Node, and makes every ratio to it look better.
 */
export const cleanEnvironment = (from: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(from).filter(([name]) => KEPT.test(name)));
