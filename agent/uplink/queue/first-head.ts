import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Disk } from './disk.ts';

const BYTES = 14;
const CRC_AT = BYTES - 4;

/**
 * The head of a queue of the first format (`NLQ1`), whose records do not know it: a file with `NLH1`, the sequence in 6 bytes, and
 * the CRC-32 of both. It is never written any more, and a record that says more outdoes it. Where it is absent or lost, messages
 * that were dropped come again, and none is lost.
 */
export async function readFirstHead(disk: Disk, directory: string): Promise<number> {
  try {
    const file = await disk.open(join(directory, 'head'), 'r');
    const bytes = await file.read(BYTES, 0).finally(() => file.close());
    const isGood = bytes.length === BYTES && crc32(bytes.subarray(0, CRC_AT)) === bytes.readUInt32BE(CRC_AT);
    return isGood ? bytes.readUIntBE(4, 6) : 0;
  } catch {
    return 0;
  }
}
