import { configPath, loadConfig } from '../../config/config.ts';
import { exitOf } from '../../failure/exit.ts';
import { Fault } from '../../failure/failure.ts';
import { othersInWords } from '../instance.ts';
import { command, textOption } from '../kit/command.ts';
import { screenOf } from '../kit/screen.ts';
import { roomOf } from './advise.ts';
import { askStatus } from './present.ts';
import { renderStatus } from './screen.ts';
import { exitOfStatus } from './wrong.ts';

export const run = command(async (args, io) => {
  const path = configPath(textOption(args, 'config'), io.env);
  const { file, config } = await loaded(path);
  const place = { socket: config.control.socket, directory: config.state.directory };
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
});

async function loaded(path: string) {
  try {
    return loadConfig(path);
  } catch (error) {
    const { besideDaemon, socketAt } = await import('./beside-daemon.ts');
    throw await besideDaemon(error, socketAt(path));
  }
}
