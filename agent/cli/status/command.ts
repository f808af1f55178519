import { configPath, loadConfig } from '../../config/config.ts';
import { request } from '../../control/client.ts';
import { EXIT } from '../../failure/exit.ts';
import { CODES, Fault } from '../../failure/failure.ts';
import type { Status } from '../../roll/report.ts';
import { command, textOption } from '../kit/command.ts';
import { screenOf } from '../kit/screen.ts';
import { renderStatus } from './screen.ts';

/** `newleaf status` */
export const run = command(async (args, io) => {
  const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
  const place = { socket: config.control.socket, directory: config.state.directory };
  const isJson = args.options.json === true;
  if (args.options.watch === true) return (await import('./watch.ts')).watch({ ...place, isJson }, io);
  const screen = screenOf(io.out, io.env);
  try {
    const status = await statusOf(place.socket);
    io.out.write(isJson ? `${JSON.stringify(status)}\n` : renderStatus(status, screen, place));
    return exitOfStatus(status);
  } catch (error) {
    if (!(error instanceof Fault) || error.failure.code !== 'NL-DAEMON-DOWN') throw error;
    const { lastKnown, whyDown } = await import('./last-known.ts');
    const down = await whyDown(config, error, io.now());
    const known = isJson ? undefined : await lastKnown(config, io.now());
    if (known === undefined) throw down;
    const seen = { ...place, lastKnown: { writtenAt: known.writtenAt, failure: down.failure } };
    io.out.write(renderStatus(known.status, screen, seen));
    return EXIT.down;
  }
});

/** @throws Fault NL-DAEMON-DOWN, NL-CONTROL-DENIED, NL-CONTROL-BUSY */
export async function statusOf(socket: string): Promise<Status> {
  const { status, body } = await request(socket, 'GET', '/v1/status', undefined, 10_000);
  if (status === 200) return body as Status;
  throw new Fault('NL-INTERNAL', {
    message: `The daemon answered ${status} to a question for its status.`,
    cause: JSON.stringify(body),
  });
}

/** The status; or the Fault, where the daemon is away or busy. @throws Fault NL-CONTROL-DENIED, NL-INTERNAL */
export async function present(socket: string): Promise<Status | Fault> {
  try {
    return await statusOf(socket);
  } catch (error) {
    if (error instanceof Fault && ['NL-DAEMON-DOWN', 'NL-CONTROL-BUSY'].includes(error.failure.code)) return error;
    throw error;
  }
}

/** 4 a person is needed · 0 online, or at work without trouble · 1 offline, or a trouble that does not pass by itself. */
export function exitOfStatus({ person, trouble, online, phase }: Status): number {
  if (person) return EXIT.person;
  if (trouble !== undefined && CODES[trouble.code].kind !== 'transient') return EXIT.failed;
  const atWork = phase !== 'serving' && phase !== 'unprovisioned';
  return online || (atWork && trouble === undefined) ? EXIT.done : EXIT.failed;
}
