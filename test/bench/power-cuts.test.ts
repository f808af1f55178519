import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inOrder, left, live, nothing } from '../e2e/uplink/lives.ts';
import { inside, withOwnMounts } from '../namespace.ts';

/** More of them, and on another file system that has the call: `CUTS=50 FILE_SYSTEM=xfs`. */
const CUTS = Number(process.env.CUTS ?? 9);
const TYPE = process.env.FILE_SYSTEM ?? 'ext4';
const MODES = ['', 'reader', 'drain'] as const;

/** _IOR('X', 125, __u32), EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN: from now on nothing reaches the disk, not even the log. */
const SHUT_DOWN = `import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))`;
/** Of a note of the head: a second, and a disk that is busy. */
const NOTED_MS = 1500;

const sh = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' }).trim();

/**
 * A real file system that loses what was not synced. Mounts of its own: another namespace that began meanwhile would keep it mounted,
 * and dead.
 */
function losingDisk(t: TestContext) {
  const place = mkdtempSync(join(tmpdir(), 'newleaf-power-'));
  const [image, mounted] = [join(place, 'image'), join(place, 'mounted')];
  mkdirSync(mounted);
  sh('truncate', '-s', '512M', image);
  sh(`mkfs.${TYPE}`, '-q', image);
  const mount = () => sh('mount', '-o', 'loop', image, mounted);
  mount();
  t.after(() => {
    sh('umount', mounted);
    rmSync(place, { recursive: true });
  });
  return {
    directory: join(mounted, 'sensors'),
    cutPower: () => sh('python3', '-c', SHUT_DOWN, mounted),
    powerOn() {
      sh('umount', mounted);
      mount();
    },
  };
}

if (inside(import.meta.filename, withOwnMounts()))
  test('a power cut while eight programs write: nothing acknowledged is lost, and only the last second comes again', async (t) => {
    const disk = losingDisk(t);
    const { directory } = disk;
    const told = nothing();
    const seen = new Set<string>();
    /** Those that were read long before the cut of their life. */
    const settled = new Set<string>();
    let [cutAt, twice] = [0, 0];
    const end = () => {
      cutAt = performance.now();
      disk.cutPower();
    };
    for (let number = 1; number <= CUTS; number += 1) {
      const from = told.read.length;
      await live(t, told, { directory, number, mode: MODES[number % MODES.length] ?? '', end });
      disk.powerOn();
      const now = told.read.slice(from);
      const again = now.filter((text) => seen.has(text));
      assert.deepEqual(
        again.filter((text) => settled.has(text)),
        [],
        'only what was sent in the last second comes again',
      );
      assert.deepEqual(now.slice(0, again.length), again, 'and it comes first');
      for (const text of now) seen.add(text);
      for (const text of now) if (cutAt - (told.readAt.get(text) ?? cutAt) > NOTED_MS) settled.add(text);
      twice += again.length;
    }
    const found = await left(directory);
    const there = new Set([...seen, ...found]);
    assert.deepEqual(
      told.acked.filter((text) => !there.has(text)),
      [],
    );
    inOrder(found);
    // A process that outlives its disk for a moment says so.
    assert.deepEqual(
      told.warned.filter((words) => !words.includes('the disk does not work')),
      [],
    );
    t.diagnostic(`${told.acked.length} acknowledged, ${told.read.length} read, ${twice} of them once more`);
  });
