import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Message } from '../../../agent/uplink/ports.ts';
import { openQueue } from '../../../agent/uplink/queue/open.ts';

/**
 * Run by itself, until it is killed: eight programs that write one message after the other, and a reader that drops all. With
 * `drain`, the programs stop after a while, and the reader is slow.
 * It says `+ WRITER LIFE NUMBER` for what is acknowledged, and `- …` for what is about to be dropped.
 */
const [directory = '', life = '', mode = ''] = process.argv.slice(2);

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/**
 * Written before it returns: process.stdout keeps in memory what a busy reader has not taken yet (libuv, on EAGAIN), and a kill
 * would lose that.
 */
function say(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(1, bytes, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(PAUSE, 0, 0, 1);
    }
  }
}

const queue = await openQueue({
  directory,
  maxBytes: 1024 ** 3,
  whenFull: 'refuse',
  now: Date.now,
  warn: (failure) => say(`! ${failure.message}`),
});

const write = async (writer: number): Promise<void> => {
  for (let n = 0; mode !== 'drain' || n < 60; n += 1) {
    const said = `${writer} ${life} ${n}`;
    await queue.append({ topic: `w/${writer}`, payload: Buffer.from(`${said} ${'.'.repeat((n * 37) % 900)}`) });
    say(`+ ${said}`);
  }
};

const textOf = ({ payload }: Message) => Buffer.from(payload).toString().replace(/ \.*$/, '');

const read = async (): Promise<void> => {
  let wake = (): void => {};
  queue.onAppend(() => wake());
  for (;;) {
    const appended = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const message = await queue.next();
    if (message === undefined) await appended;
    else {
      say(`- ${textOf(message)}`);
      queue.drop(message);
      if (mode === 'drain') await pause(3);
    }
  }
};

await Promise.all([...Array.from({ length: 8 }, (_, writer) => write(writer)), ...(mode === '' ? [] : [read()])]);
