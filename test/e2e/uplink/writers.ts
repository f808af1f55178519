import type { Message } from '../../../agent/uplink/ports.ts';
import { openQueue } from '../../../agent/uplink/queue/open.ts';

/**
 * Run by itself, until it is killed: eight programs that write one message after the other, and a reader that drops some.
 * It says `+ WRITER LIFE NUMBER` for what is acknowledged, and `- …` for what is about to be dropped.
 * A pipe as stdout is written at once on Linux (node:process, "A note on process I/O").
 */
const [directory = '', life = '', mode = ''] = process.argv.slice(2);

const queue = await openQueue({
  directory,
  maxBytes: 1024 ** 3,
  whenFull: 'refuse',
  now: Date.now,
  warn: (failure) => process.stdout.write(`! ${failure.message}\n`),
});

const write = async (writer: number): Promise<void> => {
  for (let n = 0; ; n += 1) {
    const said = `${writer} ${life} ${n}`;
    await queue.append({ topic: `w/${writer}`, payload: Buffer.from(`${said} ${'.'.repeat((n * 37) % 900)}`) });
    process.stdout.write(`+ ${said}\n`);
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
      process.stdout.write(`- ${textOf(message)}\n`);
      queue.drop(message);
    }
  }
};

await Promise.all([...Array.from({ length: 8 }, (_, writer) => write(writer)), ...(mode === 'reader' ? [read()] : [])]);
