import { realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { configPath, loadConfig } from '../config.ts';
import { request } from '../control-client.ts';
import { writeAtomically } from '../durable.ts';
import { EXIT } from '../exit.ts';
import { Fault } from '../roll/failure.ts';
import { refused } from './answer.ts';
import { command, complaint, textOption } from './command.ts';
import { screenOf, wrap } from './screen.ts';

/** `newleaf csr` */
export const run = command(async (args, io) => {
  const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
  const newKey = args.options['new-key'] === true;
  const { status, body } = await request(config.control.socket, 'POST', '/v1/csr', newKey ? { newKey } : {});
  const screen = screenOf(io.err, io.env);
  if (status !== 200) {
    const answer = refused(status, body);
    io.err.write(complaint(answer.complaint, screen));
    return answer.exit;
  }
  const { csr, slot, cn } = body as { csr: string; slot: string; cn: string };
  const file = textOption(args, 'out');
  if (file === undefined) io.out.write(csr);
  else await writeTo(resolve(file), csr);
  const where = file === undefined ? '' : ` It is in ${file}.`;
  const hint = `CSR of the key in slot ${slot} for CN ${cn}.${where} Have it signed with this CN, then: newleaf install FILE`;
  io.err.write(`${wrap(screen, hint).join('\n')}\n`);
  return EXIT.done;
});

/** In one piece, where that can be done: a device or a pipe is written through, and never replaced by a file. */
async function writeTo(path: string, csr: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  try {
    if (found !== undefined && !found.isFile()) return await writeFile(path, csr);
    await stat(dirname(path));
    await writeAtomically(await realpath(path).catch(() => path), csr, 0o644);
  } catch (error) {
    const cause = error instanceof Fault ? error.failure.cause : error;
    const advice = 'Name another place: newleaf csr -o FILE';
    throw new Fault('NL-STATE-WRITE', { message: `The CSR cannot be written to ${path}.`, cause, advice });
  }
}
