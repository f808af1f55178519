import { configPath, loadConfig } from '../config.ts';
import { request } from '../control-client.ts';
import { EXIT, exitOf } from '../exit.ts';
import { CODES, Fault } from '../roll/failure.ts';
import type { Status } from '../roll/report.ts';
import { command, complaint, type Io, textOption } from './command.ts';
import { redraw, screenOf } from './screen.ts';
import { renderStatus } from './status-screen.ts';

const MINUTE_MS = 60_000;

/** `newleaf status` */
export const run = command(async (args, io) => {
  const { config } = loadConfig(configPath(textOption(args, 'config'), io.env));
  const place = { socket: config.control.socket, directory: config.state.directory };
  const isJson = args.options.json === true;
  const show = async (): Promise<Shown> => {
    const screen = screenOf(io.out, io.env);
    try {
      const status = await statusOf(place.socket);
      const text = isJson ? `${JSON.stringify(status)}\n` : renderStatus(status, screen, place);
      return { text, exit: exitOfStatus(status) };
    } catch (error) {
      if (!(error instanceof Fault) || isJson) throw error;
      const { lastKnown } = await import('./last-known.ts');
      const known = error.failure.code === 'NL-DAEMON-DOWN' ? await lastKnown(config, io.now()) : undefined;
      if (known === undefined) throw error;
      const seen = { ...place, lastKnown: { writtenAt: known.writtenAt, failure: error.failure } };
      return { text: renderStatus(known.status, screen, seen), exit: EXIT.down };
    }
  };
  if (args.options.watch === true)
    return watch(place.socket, () => show().catch((error) => absent(error, io, isJson)), io);
  const { text, exit } = await show();
  io.out.write(text);
  return exit;
});

interface Shown {
  readonly text: string;
  readonly exit: number;
}

/** @throws Fault NL-DAEMON-DOWN, NL-CONTROL-DENIED */
export async function statusOf(socket: string): Promise<Status> {
  const { status, body } = await request(socket, 'GET', '/v1/status', undefined, 10_000);
  if (status === 200) return body as Status;
  throw new Fault('NL-INTERNAL', {
    message: `The daemon answered ${status} to a question for its status.`,
    cause: JSON.stringify(body),
  });
}

/** 4 a person is needed · 0 online, or at work without trouble · 1 offline, or a trouble that does not pass by itself. */
export function exitOfStatus({ person, trouble, online, phase }: Status): number {
  if (person) return EXIT.person;
  if (trouble !== undefined && CODES[trouble.code].kind !== 'transient') return EXIT.failed;
  const atWork = phase !== 'serving' && phase !== 'unprovisioned';
  return online || (atWork && trouble === undefined) ? EXIT.done : EXIT.failed;
}

/** Until it is interrupted. Only what differs is drawn again on a terminal; elsewhere every change is printed. */
async function watch(socket: string, show: () => Promise<Shown>, io: Io): Promise<number> {
  const { pulse } = await import('./pulse.ts');
  let before: string | undefined;
  for await (const _ of pulse({ socket, everyMs: MINUTE_MS })) {
    const { text } = await show();
    if (text !== before) io.out.write(io.out.isTTY ? redraw(text, io.out, before === undefined) : text);
    before = text;
  }
  return EXIT.done;
}

/** A daemon that does not run may come back: that is worth watching, too. JSON is for programs, and says nothing meanwhile. */
function absent(error: unknown, io: Io, isJson: boolean): Shown {
  if (!(error instanceof Fault) || error.failure.code !== 'NL-DAEMON-DOWN') throw error;
  return { text: isJson ? '' : complaint(error.failure, screenOf(io.out, io.env)), exit: exitOf(error.failure) };
}
