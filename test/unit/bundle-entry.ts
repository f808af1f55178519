import { once } from 'node:events';
import { createSecureContext } from 'node:tls';
import { pino } from 'pino';
import pkcs11js from 'pkcs11js';
import { createDps } from '../../agent/dps/registration.ts';
import { createHub } from '../../agent/hub/session.ts';
import type { Leaf } from '../../agent/roll/leaf.ts';
import { connectorOf } from '../../hsm/connector.ts';

declare const NEWLEAF_VERSION: string;
declare const NEWLEAF_BUILT_AT: number;

/** A stand-in for the daemon: registers, connects, reports, answers one method, and closes when stdin ends. */
const { dps, ca, cert, key } = JSON.parse(process.argv[2] ?? '');
const log = pino({ base: null, timestamp: false });
const leaf: Leaf = {
  key: { slot: 'a', id: '01' },
  chain: cert,
  thumbprint: 'AA',
  cn: 'gw-0001',
  serial: '01',
  issuer: 'test root',
  notBefore: 0,
  notAfter: 0,
};
const connectorFor = async () => connectorOf(createSecureContext({ ca, cert, key }));
const never = new AbortController().signal;

async function run(): Promise<void> {
  log.info({ version: NEWLEAF_VERSION, builtAt: NEWLEAF_BUILT_AT, url: import.meta.url });
  log.info({ pkcs11: typeof new pkcs11js.PKCS11().C_GenerateKeyPair });
  const registration = createDps({ endpoint: dps, idScope: '0ne0', registrationId: leaf.cn, connectorFor });
  const assignment = await registration.register(leaf, never);
  log.info({ assignment });
  const hub = createHub({
    connectorFor,
    version: NEWLEAF_VERSION,
    answer: async (ask) => ({ status: 202, body: ask }),
  });
  await hub.connect(leaf, assignment, never);
  await hub.report({ phase: 'serving', last: { id: 'x' } });
  await hub.report({ phase: 'serving' });
  log.info({ ready: true });
  await once(process.stdin.resume(), 'end');
  // Evaluated on demand: whether it was is told by what it leaves in globalThis.
  log.info({ before: 'lazy' in globalThis });
  await import('./bundle-lazy.ts');
  log.info({ after: 'lazy' in globalThis });
  await hub.close();
}

run().catch((error: unknown) => {
  log.error({ error: String(error) });
  process.exitCode = 1;
});
