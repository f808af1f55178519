import type { Told } from '../../e2e/stage/ended.ts';
import type { Gateway } from '../../e2e/stage/gateway.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import type { Wish } from './wish.ts';

/** How a leaf is asked for and delivered. `suite.ts` tests each way alike. */
export interface Way {
  /** Gets the first leaf for a gateway that runs and has none. */
  first(): Promise<void>;
  /** Asks for the next leaf, has it made so, and delivers it. Does not wait for what comes of it. */
  bring(wish: Wish): Promise<void>;
  /** Brings a leaf that is refused. @returns what the gateway says of it */
  refused(wish: Wish): Promise<Told>;
  /** A leaf that begins so much later is judged before that, in milliseconds. */
  readonly earlyMs: number;
  /** Brings a leaf that is not valid yet. @returns what the gateway says of it */
  early(wish: Wish): Promise<Told>;
  /** What it takes that the early leaf is installed once it is valid. */
  patience(): Promise<void>;
  /** How many leaves the CA has made. */
  issued(): number;
}

export interface Opened {
  /** Lines of the configuration by dotted key, as TOML. */
  readonly settings: Readonly<Record<string, string>>;
  way(gateway: Gateway): Way;
  close?(): Promise<void>;
}

export type Open = (far: Simulator) => Promise<Opened>;

/** The request of the next key, as the command prints it. */
export async function csrOf(gateway: Gateway): Promise<string> {
  const { code, out, err } = await gateway.command('csr');
  if (code !== 0) throw new Error(`newleaf csr ended with ${code}: ${err}`);
  return out;
}
