import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Told } from '../../e2e/stage/ended.ts';
import type { Gateway } from '../../e2e/stage/gateway.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import { told } from './asked.ts';
import { csrOf, type Open } from './way.ts';
import { granted, pemOf, type Wish } from './wish.ts';

/** A person has the request of `newleaf csr` signed, and puts the chain into the inbox. */
export const openInbox: Open = async (far) => ({
  settings: { 'leaf.issuer': '"inbox"' },
  way(gateway) {
    let issued = 0;
    // One person asks, and one at a time.
    let csr = Promise.resolve('');
    const deliver = async (wish: Wish): Promise<string> => {
      issued += 1;
      const name = `delivery-${issued}.pem`;
      csr = csr.then(() => csrOf(gateway));
      drop(gateway, name, pemOf(await granted(wish, await csr, far)));
      return name;
    };
    return {
      async first() {
        issued += 1;
        await installFirst(gateway, far);
      },
      bring: async (wish) => void (await deliver(wish)),
      refused: async (wish) => rejected(gateway, await deliver(wish)),
      // A file is looked at when nobody has written to it for two seconds.
      earlyMs: 12_000,
      async early(wish) {
        const since = gateway.log.lines.length;
        const path = inboxOf(gateway, await deliver(wish));
        const line = await gateway.log.waitFor({ event: 'inbox-waits', path }, { since });
        assert.ok(existsSync(path), 'it stays where it is');
        return told(line);
      },
      patience: async () => {},
      issued: () => issued,
    };
  },
});

/** A person brings the first leaf: `newleaf csr`, the CA signs, `newleaf install`. */
export async function installFirst(gateway: Gateway, far: Simulator): Promise<void> {
  const file: string = JSON.parse(gateway.file('first.pem', await far.issue(await csrOf(gateway))));
  const { code, err } = await gateway.command('install', file, '--wait');
  assert.equal(code, 0, err);
}

export const inboxOf = ({ stateDirectory }: Gateway, ...names: string[]): string =>
  join(stateDirectory, 'inbox', ...names);

/** Puts a complete file into the inbox. */
export function drop(gateway: Gateway, name: string, content: string): void {
  const path = inboxOf(gateway, name);
  writeFileSync(`${path}.part`, content);
  renameSync(`${path}.part`, path);
}

/** Waits until a delivery has been moved away. @returns the reason that lies beside it */
export async function rejected(gateway: Gateway, name: string): Promise<Told> {
  const path = join(gateway.stateDirectory, 'rejected', name);
  await gateway.log.waitFor({ event: 'inbox-rejected', path });
  assert.ok(!existsSync(inboxOf(gateway, name)), 'it is out of the inbox');
  assert.ok(existsSync(path), 'it lies among what was rejected');
  const sentence = readFileSync(`${path}.reason`, 'utf8');
  return { code: sentence.split(' ')[0] ?? '', sentence };
}
