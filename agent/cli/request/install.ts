import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Config, configPath, loadConfig } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import { openGiven } from '../../machine/given-file.ts';
import { command, type Io, Misuse, type Run, textOption } from '../kit/command.ts';
import type { ParsedArguments } from '../kit/parse.ts';
import { screenOf, wrap } from '../kit/screen.ts';
import { daemonPlace } from '../status/daemon-place.ts';
import { tellRefusal } from './answer.ts';
import { askDaemon } from './ask-daemon.ts';
import { pursue } from './pursue.ts';

/** A chain of ten certificates with large keys is a tenth of it; the daemon takes no more. */
const LARGEST_DELIVERY = 256 * 1024;

/** `newleaf install`. @param stdin read for `-` */
export const install = (stdin: Readable): Run =>
  command(async (args, io) => {
    const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
    const [file = ''] = args.positionals;
    const delivered = await contentOf(file, stdin);
    if (typeof delivered === 'string') throw new Misuse(delivered);
    if (args.options.onboarding === true) return installOnboarding(delivered, args, config, io);
    return pursue({ path: '/v1/leaf', body: { leaf: delivered.toString('base64') } }, args, config, io);
  });

interface Onboarded {
  readonly thumbprint: string;
  readonly issuer: string;
  readonly notAfter: string;
}

/** A registration may take two minutes, and the token signs for it. */
const LONGEST_MS = 150_000;

async function installOnboarding(delivered: Buffer, { options }: ParsedArguments, config: Config, io: Io) {
  if (options.wait || options.timeout || options.id)
    throw new Misuse('--onboarding has its answer at once: leave --wait, --timeout and --id away.');
  const body = { leaf: delivered.toString('base64'), onboarding: true };
  const reply = await askDaemon(daemonPlace(config, io.env), '/v1/leaf', body, LONGEST_MS);
  if (reply.status !== 200) return tellRefusal(reply, io);
  const { thumbprint, issuer, notAfter } = reply.body as Onboarded;
  const told = `DPS is shown this certificate from now on: ${thumbprint}, issued by ${issuer}, valid until ${notAfter}.`;
  io.out.write(`${wrap(screenOf(io.out, io.env), told).join('\n')}\n`);
  return EXIT.done;
}

/** The chain to install; or a sentence that says why it cannot be installed. */
async function contentOf(file: string, stdin: Readable): Promise<Buffer | string> {
  const name = file === '-' ? 'stdin' : file;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of file === '-' ? stdin : createReadStream(file, { fd: openGiven(file) })) {
      chunks.push(chunk);
      length += chunk.length;
      // A file that is no chain may be a disk image, or may never end.
      if (length > LARGEST_DELIVERY) return `${name} has more than ${LARGEST_DELIVERY} bytes: that is no chain.`;
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return `There is no ${name}.`;
    if (code === 'EISDIR') return `${name} is a directory. Name the file with the chain.`;
    return `${name} cannot be read: ${cause instanceof Error ? cause.message : cause}.`;
  }
  return length === 0 ? `${name} is empty.` : Buffer.concat(chunks);
}
