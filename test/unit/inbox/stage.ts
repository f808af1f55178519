import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Answer, Ask } from '../../../agent/ask/ask.ts';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import { watchInbox } from '../../../agent/inbox/inbox.ts';
import type { Line, Log } from '../../../agent/machine/log.ts';
import { TestClock } from '../clock.ts';
import { scratch } from '../state/disk.ts';

export type Install = Extract<Ask, { kind: 'install' }>;

export const accepted: Answer = { is: 'accepted', id: 'r1', thumbprint: 'AA', message: 'By A.', phase: 'serving' };
export const refusal = (code: Code, is: 'refused' | 'busy' | 'broken' = 'refused'): Answer => ({
  is,
  failure: failure(code),
});
export const later = (code: Code, retryAfterSeconds: number): Answer => ({
  is: 'later',
  failure: failure(code),
  retryAfterSeconds,
});

/** An inbox whose clock stands still until the test moves it, before a daemon that answers as the test says. */
export class Stage {
  readonly directory: string;
  readonly clock = new TestClock();
  readonly logged: Line[] = [];
  readonly asks: Install[] = [];
  answer: (ask: Install) => Promise<Answer> | Answer = () => accepted;
  inbox: Awaited<ReturnType<typeof watchInbox>> | undefined;

  /** @param directory one that is there already */
  constructor(t: TestContext, directory = scratch(t)) {
    this.directory = directory;
    t.after(() => this.inbox?.close());
  }

  async start(): Promise<void> {
    const note = (line: Line) => void this.logged.push(line);
    const log: Log = { error: note, warn: note, info: note, debug: note };
    this.inbox = await watchInbox({
      directory: this.directory,
      clock: this.clock,
      log,
      answer: async (ask) => {
        if (ask.kind !== 'install') throw new Error(`asked for ${ask.kind}`);
        this.asks.push(ask);
        return this.answer(ask);
      },
    });
    await this.clock.asleep();
  }

  /** As a technician does it, who need not wait for the daemon to make the directory. */
  drop(name: string, content: string | Buffer = 'a chain'): void {
    mkdirSync(join(this.directory, 'inbox'), { recursive: true });
    writeFileSync(join(this.directory, 'inbox', name), content);
  }

  /** Drops a chain while the daemon runs, and lets it be taken. */
  async deliver(name = 'gw.pem', content?: string): Promise<void> {
    this.drop(name, content);
    await this.heard();
    await this.pass(4_000);
  }

  take(name: string): void {
    rmSync(join(this.directory, 'inbox', name));
  }

  /** Resolves when the inbox has heard that something has changed: it looks 2 s later. */
  async heard(): Promise<void> {
    while ((await this.clock.asleep()) > 2_000) await setTimeout(1);
  }

  /** So much time passes, and at each moment the inbox gets done what it wants to do. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.monotonic() + ms;
    while (this.clock.monotonic() < end) {
      await this.clock.pass(Math.min(await this.clock.asleep(), end - this.clock.monotonic()));
    }
    await this.clock.asleep();
  }

  names(of: 'inbox' | 'rejected'): string[] {
    return readdirSync(join(this.directory, of)).sort();
  }

  rejected(name: string): string {
    return readFileSync(join(this.directory, 'rejected', name), 'utf8');
  }

  get events(): string[] {
    return this.logged.map(({ event, code }) => `${event}${code === undefined ? '' : ` ${code}`}`);
  }
}

/** A daemon that has started with a chain in its inbox, and has answered so; two seconds are what a file waits. */
export async function started(t: TestContext, answer: Stage['answer'], content?: string, ms = 2_000): Promise<Stage> {
  const stage = new Stage(t);
  stage.answer = answer;
  stage.drop('gw.pem', content);
  await stage.start();
  await stage.pass(ms);
  return stage;
}
