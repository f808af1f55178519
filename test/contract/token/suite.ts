import { after, before, describe } from 'node:test';
import type { KeyType } from '../../../hsm/public-key.ts';
import { withEnvironment } from '../../put-back.ts';
import { type Bench, openBench } from './bench.ts';
import { keyContract } from './keys.ts';
import { objectContract } from './objects.ts';
import { refusalContract } from './refusals.ts';
import { rollContract } from './rolls.ts';
import type { TestToken } from './softhsm.ts';
import { tlsContract } from './tls.ts';

const PARTS = ['refusals', 'keys', 'objects', 'TLS', 'TLS by stunnel', 'rolls'] as const;
export type Part = (typeof PARTS)[number];

/**
 * What hsm/ promises, checked against one module. One module to a process: call it once in a test file.
 * @param keyTypes what the module can make
 * @param parts for a module that does not bear all of it in one process
 * @returns the open token, for tests of one module alone that follow
 */
export function tokenContract(
  at: TestToken,
  keyTypes: readonly KeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048'],
  parts: readonly Part[] = PARTS,
): () => Bench {
  withEnvironment(at.environment);
  after(() => at.remove());

  let opened: Bench | undefined;
  const bench = (): Bench => {
    if (opened === undefined) throw new Error('the token is not open');
    return opened;
  };
  const part = (name: Part, contract: () => void) => {
    if (parts.includes(name)) describe(name, contract);
  };
  part('refusals', () => refusalContract(at));
  describe('an open token', () => {
    before(async () => {
      opened = await openBench(at);
    });
    part('keys', () => keyContract(bench, keyTypes));
    part('objects', () => objectContract(bench));
    part('TLS', () => tlsContract(bench, keyTypes, 'engine'));
    part('TLS by stunnel', () => tlsContract(bench, keyTypes, 'helper'));
    part('rolls', () => rollContract(bench));
  });
  return bench;
}
