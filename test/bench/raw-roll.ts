import { join } from 'node:path';
import { certificatesOf } from '../../agent/certificate/pem.ts';
import { writeAtomically } from '../../agent/state/durable.ts';
import { destroyKey } from '../../hsm/destroy.ts';
import { startedBy } from '../../hsm/job.ts';
import { BUNDLE } from '../e2e/stage/gateway.ts';
import { NODE } from './node.ts';
import type { RawDevice, RawLeaf } from './raw-device.ts';
import { FLAGS, type Stand } from './stand.ts';

/** Six transitions, and three files that are derived from the state (agent/state/published.ts). */
const WRITES = 9;
const ENTRY = `${JSON.stringify({ entry: 'x'.repeat(4_000) })}\n`;

/** What each operation of one roll took, in milliseconds, in order. */
export type Parts = ReadonlyMap<string, number>;

/** Rolls by hand, `runs` times: each operation that a roll needs, once, one after the other. */
export async function rawRolls(stand: Stand, runs: number): Promise<readonly Parts[]> {
  const device = await stand.rawDevice();
  let current = await device.firstLeaf(stand.far);
  await device.register(current);
  const rolls: Parts[] = [];
  for (let run = 0; run < runs; run++) {
    const { next, parts } = await rawRoll(device, current, run % 2 === 0 ? 'newleaf-b' : 'newleaf-a');
    current = next;
    rolls.push(parts);
  }
  await device.token.destroy(current.key.label, current.key.id);
  return rolls;
}

async function rawRoll(device: RawDevice, current: RawLeaf, label: string): Promise<{ next: RawLeaf; parts: Parts }> {
  const parts = new Map<string, number>();
  const timed = async <T>(name: string, work: Promise<T>): Promise<T> => {
    const before = performance.now();
    const done = await work;
    parts.set(name, performance.now() - before);
    return done;
  };
  const key = await timed('key', device.generate(label));
  const request = await timed('CSR', device.csr(key));
  const chain = await timed('EST', device.enrol(request, current));
  const next = { key, chain };
  const [der] = certificatesOf(chain);
  if (der !== undefined) await timed('store', device.token.storeCertificate(key, der));
  const hub = await timed('DPS', device.register(next));
  const link = await timed('hub', device.connect(next, hub));
  await timed('twin', device.readTwin(link));
  link.end();
  await timed('writes', written(device.hsm.directory));
  await timed('destroy', device.token.destroy(current.key.label, current.key.id));
  return { next, parts };
}

async function written(directory: string): Promise<void> {
  for (let write = 0; write < WRITES; write++) await writeAtomically(join(directory, 'state.json'), ENTRY, 0o600);
}

/** Destroys a key in a child, as newleaf does (hsm/destroy.ts says why): a start of Node, above all. In milliseconds. */
export async function destroyingChild(stand: Stand): Promise<number> {
  const device = await stand.rawDevice();
  const { module, token, pin } = device.hsm;
  const { label, id } = await device.generate('newleaf-a');
  startedBy([NODE, ...FLAGS, BUNDLE]);
  const before = performance.now();
  await destroyKey({ module, token, pin, label, id });
  const took = performance.now() - before;
  device.token.forget(id);
  return took;
}
