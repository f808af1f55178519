import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Disk } from '../../agent/uplink/queue/disk.ts';
import { ModelDisk } from '../unit/uplink/queue/disk-model.ts';
import type { Noted } from './calls.ts';

/** The files of each directory below this one. */
export type Files = ReadonlyMap<string, ReadonlyMap<string, Buffer>>;

export function filesBelow(directory: string): Files {
  const found = new Map<string, Map<string, Buffer>>();
  if (!existsSync(directory)) return found;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const at = entry.parentPath;
    found.set(at, (found.get(at) ?? new Map()).set(entry.name, readFileSync(join(at, entry.name))));
  }
  return found;
}

/**
 * What a power cut leaves of the state directory, in its place: what was there at first, and what was synced since.
 * @param before what was on the disk when the log began
 * @param dice of what was not synced any part may have reached the disk; without dice none has
 */
export async function losePower(
  directory: string,
  before: Files,
  calls: readonly Noted[],
  dice?: () => number,
): Promise<void> {
  let throws = 0;
  let isOver = false;
  // Without dice: while it is written nothing is written back; of the power cut the first throw is for the names, and 0 for those of before.
  const random = dice ?? (() => (isOver && throws++ === 0 ? 0 : 0.99));
  const disks = new Map<string, { readonly model: ModelDisk; readonly disk: Disk }>();
  const diskOf = async (at: string) => {
    const known = disks.get(at);
    if (known !== undefined) return known;
    const model = new ModelDisk(random);
    for (const [name, bytes] of before.get(at) ?? []) model.put(join(at, name), bytes);
    const made = { model, disk: model.start() };
    disks.set(at, made);
    // What was there is durable: the model takes each file for a new name.
    await made.disk.syncDirectory(at);
    return made;
  };
  for (const call of calls) if (call.side === 'after' && isIn(directory, call)) await replay(call, diskOf);
  isOver = true;
  for (const [at, { model }] of disks) {
    throws = 0;
    model.cutPower();
    mkdirSync(at, { recursive: true });
    for (const entry of readdirSync(at, { withFileTypes: true })) if (entry.isFile()) rmSync(join(at, entry.name));
    for (const path of model.names) writeFileSync(path, model.bytesOf(path), { mode: 0o600 });
  }
}

/** Directories stay. */
const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** The directory itself is only synced: where it lies is not lost. */
const isIn = (directory: string, { name, path }: Noted): boolean =>
  path.startsWith(`${directory}/`) || (path === directory && name === 'fsync');

async function replay(
  { name, path, number, bytes }: Noted,
  diskOf: (at: string) => Promise<{ readonly model: ModelDisk; readonly disk: Disk }>,
): Promise<void> {
  const isSync = /^f(data)?sync$/.test(name);
  if (isSync && isDirectory(path)) return (await diskOf(path)).disk.syncDirectory(path);
  const { model, disk } = await diskOf(dirname(path));
  const isThere = model.names.includes(path);
  if ((name === 'truncate' && number === 0) || (name === 'open' && !isThere)) await disk.open(path, 'w');
  // A file that was removed, and is open still.
  else if (!isThere) return;
  else if (name === 'truncate') await (await disk.open(path, 'r+')).truncate(number);
  else if (name === 'write') await (await disk.open(path, 'r+')).write(bytes, number);
  else if (name === 'rename') await disk.rename(path, bytes.toString());
  else if (name === 'unlink') await disk.remove(path);
  else if (isSync) await (await disk.open(path, 'r+')).datasync();
}
