import type { Screen } from '../../agent/cli/kit/screen.ts';
import { paint, screenOf, wrap } from '../../agent/cli/kit/screen.ts';
import type { Entry, Query } from '../../test/simulator/log.ts';
import type { Simulator } from '../../test/simulator/simulator.ts';

const STEP_MS = 20_000;
const now = (): number => performance.timeOrigin + performance.now();

export const short = (thumbprint: string | undefined): string => `leaf ${thumbprint?.slice(0, 8) ?? '?'}`;

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`This did not happen: ${what}`);
}

/** Tells what the far side saw, and waits for it: the demo fails where it does not come. */
export class Telling {
  readonly #far: Simulator;
  readonly #screen: Screen = screenOf(process.stdout, process.env);
  #from = now();
  /** Of the log of the far side: where the story began, and what was told of it. */
  #began = 0;
  #told = 0;

  constructor(far: Simulator) {
    this.#far = far;
  }

  /** Begins a story, with waits and counts of its own. */
  story(title: string): void {
    this.say(`\n${paint(this.#screen, 'bold', title)}`);
    this.#began = this.#far.log.entries.length;
    this.#told = this.#began;
    this.#from = now();
  }

  /** What happened until now is over: the next thing that is seen comes after it. */
  goOn(): void {
    this.#told = this.#far.log.entries.length;
  }

  say(text = ''): void {
    console.log(text);
  }

  tell(who: string, what: string, at = now()): void {
    const time = paint(this.#screen, 'dim', `${((at - this.#from) / 1000).toFixed(3).padStart(8)} s`);
    const [first = '', ...rest] = wrap({ ...this.#screen, width: 56 }, what);
    this.say(`${time}  ${paint(this.#screen, 'cyan', who.padEnd(10))} ${first}`);
    for (const line of rest) this.say(`${' '.repeat(23)}${line}`);
  }

  /** What a command printed. */
  quote(text: string): void {
    this.say(text.trimEnd().replace(/^/gm, '| ').replaceAll(/ +$/gm, ''));
  }

  /** Waits for something that comes after what was told last. */
  async seen(who: string, query: Query, what: (entry: Entry) => string): Promise<Entry> {
    const entry = await this.#far.log.waitFor(query, STEP_MS, this.#told);
    this.#told = entry.seq;
    this.tell(who, what(entry), entry.at);
    return entry;
  }

  signed(): Promise<Entry> {
    return this.seen('CA', { event: 'issued' }, ({ thumbprint }) => `signs ${short(thumbprint)} for the next key`);
  }

  assigned(): Promise<Entry> {
    return this.seen(
      'DPS',
      { event: 'assigned' },
      ({ thumbprint, hub }) => `accepts ${short(thumbprint)}, and assigns ${hub}`,
    );
  }

  /** A session with this leaf, and the twin read that proves it. */
  async proven(thumbprint: string | undefined, server: 'hub1' | 'hub2' = 'hub1'): Promise<Entry> {
    const session = await this.seen(
      server,
      { server, event: 'connected', ...(thumbprint === undefined ? {} : { thumbprint }) },
      (entry) => `accepts ${short(entry.thumbprint)} (CONNACK 0)`,
    );
    await this.seen(server, { server, event: 'twin' }, () => 'answers the twin read: the leaf is proven');
    return session;
  }

  /** What happened in this story so far. */
  count(event: Entry['event']): number {
    return this.#far.log.since(this.#began).filter((entry) => entry.event === event).length;
  }
}
