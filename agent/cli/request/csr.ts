import type { Stats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { configPath, loadConfig } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import { Fault } from '../../failure/failure.ts';
import { inGivenPlace } from '../../machine/given-file.ts';
import { writeAtomically } from '../../state/durable.ts';
import { command, Misuse, textOption } from '../kit/command.ts';
import { screenOf, wrap } from '../kit/screen.ts';
import { daemonPlace } from '../status/daemon-place.ts';
import { tellRefusal } from './answer.ts';
import { askDaemon } from './ask-daemon.ts';

export const run = command(async (args, io) => {
  const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
  const { 'new-key': newKey, onboarding } = args.options;
  if (newKey && onboarding) throw new Misuse('--new-key and --onboarding exclude each other.');
  const wanted = { ...(newKey && { newKey }), ...(onboarding && { onboarding }) };
  const reply = await askDaemon(daemonPlace(config, io.env), '/v1/csr', wanted);
  if (reply.status !== 200) return tellRefusal(reply, io);
  const { csr, slot, cn } = reply.body as { csr: string; slot: string; cn: string };
  const file = textOption(args, 'out');
  if (file === undefined) io.out.write(csr);
  else await writeTo(resolve(file), csr);
  const where = file === undefined ? '' : ` It is in ${file}.`;
  const [of, next] = onboarding
    ? ['the onboarding key', '`newleaf install --onboarding FILE`']
    : [`the key in slot ${slot}`, '`newleaf install FILE`'];
  const hint = `CSR of ${of} for CN ${cn}.${where} Have it signed with this CN, then: ${next}`;
  io.err.write(`${wrap(screenOf(io.err, io.env), hint).join('\n')}\n`);
  return EXIT.done;
});

/**
 * In one piece. A replaced file keeps its owner and mode. A link is refused: root may call this, and the maker of the link would
 * choose the file that root writes. So is a pipe, which without a reader would hold root for ever, and a device.
 */
async function writeTo(path: string, csr: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined && !found.isFile()) {
    const what = found.isSymbolicLink() ? 'is a link' : 'is no regular file';
    const message = `${path} ${what}, and the CSR is not written where it leads.`;
    throw new Fault('NL-STATE-WRITE', { message, advice: 'Name the file itself; without -o the CSR goes to stdout.' });
  }
  // Its owner could change the CSR on its way to the CA.
  if (found !== undefined && isOfOthers(found) && (await isForAll(dirname(path)))) {
    const message = `${path} is there already, and belongs to another user, who could change the CSR.`;
    throw new Fault('NL-STATE-WRITE', { message, advice: 'Name another place: `newleaf csr -o FILE`' });
  }
  try {
    await inGivenPlace(path, (held) => replace(held, csr));
  } catch (error) {
    const cause = error instanceof Fault ? error.cause : error;
    const advice = 'Name another place: `newleaf csr -o FILE`';
    throw new Fault('NL-STATE-WRITE', { message: `The CSR cannot be written to ${path}.`, cause, advice });
  }
}

/** Root writes into a file that is neither root's nor that of the person who has called sudo. */
const isOfOthers = ({ uid }: Stats): boolean =>
  process.geteuid?.() === 0 && uid !== 0 && String(uid) !== process.env.SUDO_UID;

/** As /tmp: all users may make files there. */
const isForAll = async (directory: string): Promise<boolean> => ((await stat(directory)).mode & 0o002) !== 0;

/** By rename(2): what has taken the place of the file since is replaced as well, and never opened. */
async function replace(path: string, csr: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  await stat(dirname(path));
  await writeAtomically(path, csr, found === undefined ? 0o644 : found.mode & 0o777, found);
}
