import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import type { Server } from 'node:tls';
import { TokenError } from '../../../hsm/ckr.ts';
import type { TlsConnector } from '../../../hsm/connector.ts';
import { csr } from '../../../hsm/csr.ts';
import { findHelper } from '../../../hsm/stunnel.ts';
import { type Identity, TokenConnectors } from '../../../hsm/tls.ts';
import { setEnvironment, withEnvironment } from '../../put-back.ts';
import { authority } from '../token/authority.ts';
import { type Bench, openBench } from '../token/bench.ts';
import { dial, farSide } from '../token/far-side.ts';
import { freshId } from '../token/fresh-id.ts';
import { SPY } from '../token/refusals.ts';
import type { TestToken } from '../token/softhsm.ts';
import { story } from './stories.ts';

const AT_A_TIME = 6;

/**
 * What a process of stunnel for each connection means for a module, beyond what the contract of a token says (tls.ts); and the
 * whole gateway in this way.
 */
export function stunnelContract(name: string, open: () => Promise<TestToken>): void {
  suite(`${name}, TLS by stunnel`, () => {
    let bench: Bench;
    let leaf: Identity;
    let far: Server;
    let putBack: () => void;
    before(async () => {
      const at = await open();
      putBack = setEnvironment(at.environment);
      bench = await openBench(at);
      const { token } = bench;
      const ca = authority(at.directory);
      far = await farSide(ca);
      const key = await token.generate('a', 'ec-p256', freshId());
      leaf = { id: key.id, chain: ca.issue(await csr('gw', key, (message) => token.sign(key, message))), ca: ca.ca };
    });
    after(() => {
      far.close();
      bench.at.remove();
      putBack();
    });

    const connectors = ({ pin, module } = bench.at) =>
      new TokenConnectors(bench.token, pin, bench.at.directory, { module, helper: findHelper() });
    const failed = async (connector: TlsConnector): Promise<unknown> => {
      const { port } = far.address() as AddressInfo;
      const [error] = await once(connector.connect({ host: 'localhost', port }).resume(), 'error');
      return error;
    };

    test(`${AT_A_TIME} at a time`, async () => {
      const connector = await connectors().connector(leaf);
      const seen = await Promise.all(Array.from({ length: AT_A_TIME }, () => dial(far, connector)));
      for (const one of seen) assert.match(one, /^TLSv1\.3 /);
    });

    test('a PIN that is wrong is tried once, whatever follows', async (t) => {
      const log = `${bench.at.directory}/spy`;
      withEnvironment({ PKCS11SPY: bench.at.module, PKCS11SPY_OUTPUT: log }, t);
      const by = connectors({ ...bench.at, pin: 'wrong-1', module: SPY });
      const error = await failed(await by.connector(leaf));
      assert.ok(error instanceof TokenError && error.kind === 'pin', String(error));
      await assert.rejects(by.connector(leaf), { kind: 'pin' });
      assert.equal(readFileSync(log, 'utf8').match(/C_Login$/gm)?.length, 1);
    });

    test('first provisioning, a roll by method, unauthorized, and the power cut in the middle of rolls', (t) =>
      story(t, bench.at, 'helper'));

    test('a token that is away costs a connection: when it is back, it serves', async () => {
      const connector = await connectors().connector(leaf);
      // One way only: a TPM takes each loss of its power for a wrong PIN, and locks itself after three.
      const [absence = assert.fail()] = bench.at.absences;
      await absence.leave();
      const error = await failed(connector);
      assert.ok(error instanceof TokenError && /^(failed|poisoned)$/.test(error.kind), String(error));
      await absence.comeBack();
      assert.match(await dial(far, connector), /^TLSv1\.3 /);
    });
  });
}
