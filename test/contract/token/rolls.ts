import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Server } from 'node:tls';
import { promisify } from 'node:util';
import { csr } from '../../../hsm/csr.ts';
import { destroyInChild } from '../../../hsm/destroy.ts';
import { prepareEngine } from '../../../hsm/engine.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import { TokenContexts } from '../../../hsm/tls.ts';
import { authority } from './authority.ts';
import { type Bench, collectGarbage } from './bench.ts';
import { dial, farSide } from './tls.ts';

const ROLLS = 10;
/** The first rolls load code and open what is then kept. */
const WARM_UP = 3;

/** What the token side of the daemon does in years, in one process. */
export function rollContract(bench: () => Bench): void {
  test(`${ROLLS} rolls in one process: every handshake shows the new leaf, and descriptors stay flat`, async () => {
    const { at, token, raw, destroyCommand } = bench();
    prepareEngine(at.module);
    const contexts = new TokenContexts(token, at.pin, at.directory);
    const ca = authority(at.directory);
    const far = await farSide(ca);
    const before = raw.inventory();
    const descriptors: number[] = [];
    let current: PublicKey | undefined;
    try {
      for (let roll = 0; roll < ROLLS; roll += 1) {
        const next = await token.generate(roll % 2 === 0 ? 'newleaf-a' : 'newleaf-b', 'ec-p256');
        const chain = ca.issue(await csr('gw-0001', next, (message) => token.sign(next, message)));
        await token.storeCertificate(next, new X509Certificate(chain).raw);
        for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
          const context = await contexts.context({ id: next.id, chain, ca: ca.ca });
          assert.equal(await dial(far, context, version), new X509Certificate(chain).serialNumber, `roll ${roll}`);
          await collectGarbage();
        }
        if (current !== undefined) {
          const { label, id } = current;
          await destroyInChild(destroyCommand, { module: at.module, token: at.token, pin: at.pin, label, id });
          token.forget(id);
        }
        current = next;
        descriptors.push(await openDescriptors(far));
      }
      if (current !== undefined) await token.destroy(current.label, current.id);
      assert.deepEqual(raw.inventory(), before);
      const [settled = 0, ...later] = descriptors.slice(WARM_UP);
      assert.ok(
        later.every((count) => count <= settled),
        `open descriptors after each roll: ${descriptors}`,
      );
    } finally {
      far.close();
    }
  });
}

/** Counted when the far side, which lives in this process too, has let go of its sockets. */
async function openDescriptors(far: Server): Promise<number> {
  const connections = promisify((done: (error: Error | null, count: number) => void) => far.getConnections(done));
  while ((await connections()) > 0) await setImmediate();
  return readdirSync('/proc/self/fd').length;
}
