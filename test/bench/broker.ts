import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 50;

/** The broker mosquitto with all that it can do against a crash: it writes its file anew after each change. One subscriber takes all. */
export class Broker {
  readonly socket: string;
  readonly pid: number;
  readonly #children: readonly ChildProcess[];

  private constructor(socket: string, children: readonly ChildProcess[]) {
    this.socket = socket;
    this.#children = children;
    this.pid = children[0]?.pid ?? 0;
  }

  /** @param directory where it keeps its file */
  static async open(directory: string): Promise<Broker> {
    const kept = join(directory, 'mosquitto');
    const [socket, settings] = [join(kept, 'mqtt.sock'), join(kept, 'mosquitto.conf')];
    mkdirSync(kept);
    const lines = [
      'user root',
      `listener 0 ${socket}`,
      'allow_anonymous true',
      'persistence true',
      `persistence_location ${kept}/`,
      'autosave_on_changes true',
      'autosave_interval 1',
      'log_type none',
    ];
    writeFileSync(settings, `${lines.join('\n')}\n`);
    const broker = spawn('/usr/sbin/mosquitto', ['-c', settings], { stdio: 'ignore' });
    while (!existsSync(socket)) await pause(POLL_MS);
    const subscriber = ['--unix', socket, '-c', '-i', 'subscriber', '-q', '1', '-t', '#'];
    return new Broker(socket, [broker, spawn('mosquitto_sub', subscriber, { stdio: 'ignore' })]);
  }

  async close(): Promise<void> {
    for (const child of this.#children.toReversed()) {
      const ended = once(child, 'close');
      child.kill();
      await ended;
    }
  }
}
