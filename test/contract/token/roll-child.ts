// A process that rolls as the daemon does, until it is done or its module is used up: then it asks to be restarted.
import { X509Certificate } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Server } from 'node:tls';
import { promisify } from 'node:util';
import { csr } from '../../../hsm/csr.ts';
import { destroyKey } from '../../../hsm/destroy.ts';
import { prepareEngine } from '../../../hsm/engine.ts';
import { startedBy } from '../../../hsm/job.ts';
import { TokenConnectors } from '../../../hsm/tls.ts';
import { openToken } from '../../../hsm/token.ts';
import { tokenApart } from '../../../hsm/token-apart.ts';
import { authority } from './authority.ts';
import { dial, farSide } from './far-side.ts';
import { freshId } from './fresh-id.ts';
import { collectGarbage } from './garbage.ts';
import type { Rolled, RollRequest } from './rolls.ts';

const RESTART = 6;
const LIMIT_MS = 60_000;

/** Counted when the far side, which lives in this process too, has let go of its sockets. */
async function openDescriptors(far: Server): Promise<number> {
  const connections = promisify((done: (error: Error | null, count: number) => void) => far.getConnections(done));
  while ((await connections()) > 0) await setImmediate();
  return readdirSync('/proc/self/fd').length;
}

async function roll({ at, directory, destroyer, rolls, rolled }: RollRequest): Promise<void> {
  startedBy(destroyer);
  const { module, pin } = at;
  const token = await openToken({ ...at, uri: undefined });
  const limitMs = { make: LIMIT_MS, other: LIMIT_MS };
  const apart = tokenApart({ module, token: token.name, pin: async () => pin, pinRecord: directory, limitMs });
  const maker = token.makesKeysHere ? token : apart;
  prepareEngine(module);
  const connectors = new TokenConnectors(token, pin, directory);
  const ca = authority(directory);
  const far = await farSide(ca);
  let current = rolled.at(-1)?.key;
  for (let number = rolled.length; number < rolls; number += 1) {
    const label = number % 2 === 0 ? 'newleaf-a' : 'newleaf-b';
    // What an interrupted roll has made is found again.
    const next = (await token.find(label)) ?? (await maker.generate(label, 'ec-p256', freshId()));
    await token.findMade(next.id);
    apart.forget(next.id);
    const chain = ca.issue(await csr('gw-0001', next, (message) => apart.sign(next, message)));
    await apart.storeCertificate(next, new X509Certificate(chain).raw);
    const seen: string[] = [];
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      seen.push(await dial(far, await connectors.connector({ id: next.id, chain, ca: ca.ca, maxVersion: version })));
      await collectGarbage();
    }
    if (current !== undefined) {
      await destroyKey({ ...at, ...current });
      token.forget(current.id);
    }
    current = { label, id: next.id };
    const serial = new X509Certificate(chain).serialNumber;
    const told: Rolled = {
      key: current,
      shown: seen.join() === `TLSv1.2 ${serial},TLSv1.3 ${serial}`,
      open: await openDescriptors(far),
    };
    process.stdout.write(`${JSON.stringify(told)}\n`);
  }
  far.close();
}

let text = '';
for await (const part of process.stdin) text += part;
await roll(JSON.parse(text)).catch((error: unknown) => {
  if (!(error instanceof Error && 'kind' in error && error.kind === 'poisoned')) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(RESTART);
});
