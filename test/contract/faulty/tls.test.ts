import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { SecureVersion, Server } from 'node:tls';
import { type Attempt, ending } from '../../../agent/mqtt/attempt.ts';
import { csr } from '../../../hsm/csr.ts';
import { tokenErrorOf } from '../../../hsm/engine.ts';
import { type Identity, TokenConnectors } from '../../../hsm/tls.ts';
import { prepareTls, type TlsWay } from '../../../hsm/tls-way.ts';
import { openToken } from '../../../hsm/token.ts';
import { withEnvironment } from '../../put-back.ts';
import { authority } from '../token/authority.ts';
import { type Bench, openBench } from '../token/bench.ts';
import { dial, farSide } from '../token/far-side.ts';
import { freshId } from '../token/fresh-id.ts';
import { softHsm } from '../token/softhsm.ts';
import { faulty } from './faulty.ts';

const at = faulty(softHsm());
withEnvironment(at.environment);
const WAYS: readonly TlsWay[] = ['helper', 'engine'];
const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
/** Latin-1, and UTF-8 that the 32 bytes of a label cut in the middle of a character. */
const LABELS = [Buffer.from('Gerät 1', 'latin1'), Buffer.from(`${'x'.repeat(31)}ä`).subarray(0, 32)];
let bench: Bench;
let far: Server;
let leaf: Identity;

before(async () => {
  bench = await openBench(at);
  const key = await bench.token.generate('newleaf-a', 'ec-p256', freshId());
  const ca = authority(at.directory);
  far = await farSide(ca);
  leaf = { id: key.id, chain: ca.issue(await csr('gw', key, (tbs) => bench.token.sign(key, tbs))), ca: ca.ca };
});
afterEach(() => at.heal());
after(() => {
  far.close();
  at.remove();
});

for (const way of WAYS) {
  for (const maxVersion of VERSIONS) {
    test(`${way}: a signature that the far side finds wrong in ${maxVersion} is the fault of the token, and not of the network`, async () => {
      const helped = await prepareTls({ module: at.module, tls: way });
      const connector = await new TokenConnectors(bench.token, at.pin, at.directory, helped).connector({
        ...leaf,
        maxVersion,
      });
      at.spoil();
      const error: Attempt['error'] = await dial(far, connector).then(assert.fail, (why: Error) => why);
      assert.equal(ending({ phase: 'connack', socketError: 'EPROTO', ...(error && { error }) }), error);
      assert.equal(tokenErrorOf(error)?.code, 'SIGNATURE_WRONG', String(error));
      at.heal();
      assert.match(await dial(far, connector), new RegExp(`^${maxVersion} `));
    });
  }

  // The last of its way: libp11 remembers a label.
  test(`${way}: a token whose label is no UTF-8 is found by its serial number`, async () => {
    for (const label of LABELS) {
      at.label(label);
      const uri = `pkcs11:serial=${bench.token.name.serial}`;
      const token = await openToken({ module: at.module, token: undefined, uri, pin: at.pin });
      assert.match(token.name.label, /\uFFFD/);
      const helped = await prepareTls({ module: at.module, tls: way });
      const connector = await new TokenConnectors(token, at.pin, at.directory, helped).connector(leaf);
      assert.match(await dial(far, connector), /^TLSv1.3 /);
    }
  });
}
