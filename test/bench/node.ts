/** The Node that runs the gateways (test/e2e/stage/gateway.ts reads the same variable). */
export const NODE = process.env.NEWLEAF_TEST_NODE ?? process.execPath;
