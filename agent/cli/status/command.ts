import { configPath, loadConfig } from '../../config/config.ts';
import { exitOf } from '../../failure/exit.ts';
import { Fault } from '../../failure/failure.ts';
import { othersInWords } from '../instance.ts';
import { command, type Run, textOption } from '../kit/command.ts';
import { screenOf } from '../kit/screen.ts';
import { roomOf } from './advise.ts';
import { daemonPlace } from './daemon-place.ts';
import { askStatus } from './present.ts';
import { renderStatus } from './screen.ts';
import { exitOfStatus } from './wrong.ts';

/** With --json, also what kept it from telling is told on stdout: a program reads that, and one form of it. */
export const run = command((args, io) =>
  told(args, io).catch((error: unknown) => {
    if (args.options.json === true && args.options.watch !== true && error instanceof Fault) {
      const { code, message, advice } = error.failure;
      io.out.write(`${JSON.stringify({ failure: { code, message, advice } })}\n`);
    }
    throw error;
  }),
);

const told: Run = async (args, io) => {
  const path = configPath(textOption(args, 'config'), io.env);
  const { file, config } = await loaded(path);
  const place = daemonPlace(config, io.env);
  const isJson = args.options.json === true;
  if (args.options.watch === true) return (await import('./watch.ts')).watch({ ...place, isJson }, io);
  const screen = screenOf(io.out, io.env);
  const shown = { ...place, room: roomOf(io.out) };
  try {
    const status = await askStatus(place);
    io.out.write(isJson ? `${JSON.stringify(status)}\n` : renderStatus(status, screen, shown));
    if (!isJson) io.out.write(othersInWords(file, screen));
    return exitOfStatus(status);
  } catch (error) {
    if (!(error instanceof Fault) || !['NL-DAEMON-DOWN', 'NL-CONTROL-GONE'].includes(error.failure.code)) throw error;
    const { lastKnown, whyDown } = await import('./last-known.ts');
    const down = error.failure.code === 'NL-DAEMON-DOWN' ? await whyDown(config, error, io.now()) : error;
    const known = isJson ? undefined : await lastKnown(config, io.now());
    if (known === undefined) throw down;
    const seen = { ...shown, lastKnown: { writtenAt: known.writtenAt, failure: down.failure } };
    io.out.write(renderStatus(known.status, screen, seen));
    io.out.write(othersInWords(file, screen));
    return exitOf(down.failure);
  }
};

async function loaded(path: string) {
  try {
    return loadConfig(path);
  } catch (error) {
    const { besideDaemon, socketAt } = await import('./beside-daemon.ts');
    throw await besideDaemon(error, socketAt(path));
  }
}
