import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayOptions } from '../e2e/stage/gateway.ts';
import type { Scene } from './play.ts';

/** How a disk fails: full, read-only, or broken. */
export const CODES = ['ENOSPC', 'EROFS', 'EIO'] as const;
const FOR_EVER = 1_000_000;

/** A gateway whose disk does what it is told to. */
export const onFailingDisk = (): GatewayOptions => ({
  nodeOptions: ['--require', join(import.meta.dirname, 'preload-disk.cjs')],
});

const order = ({ gateway }: Scene) => join(gateway.directory, 'disk-fault');

/** From the n-th call on, so many fail. */
export const fails = (at: Scene, code: string, from = 1, times = FOR_EVER): void =>
  writeFileSync(order(at), `${code} ${from} ${times}\n`);

export const heals = (at: Scene): void => rmSync(order(at));
