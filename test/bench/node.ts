/** The Node that runs the gateways (test/e2e/stage/gateway.ts reads the same variable). */
export const NODE = process.env.NEWLEAF_TEST_NODE ?? process.execPath;
/** A second copy of it: two processes that run from one file share its pages, and each looks smaller. */
export const BARE_NODE = process.env.NEWLEAF_TEST_BARE_NODE ?? NODE;
