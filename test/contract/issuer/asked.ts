import type { Told } from '../../e2e/stage/ended.ts';
import type { Gateway } from '../../e2e/stage/gateway.ts';
import type { Way } from './way.ts';
import type { Wish } from './wish.ts';

export interface Issuer {
  /** What it makes of every request from now on. */
  obey(wish: Wish): Promise<void>;
  issued(): number;
}

/** An issuer that newleaf asks by itself: a bad answer ends the roll, an early one is asked for again. */
export function asked(gateway: Gateway, { obey, issued }: Issuer): Way {
  let rolls = 0;
  const roll = async (wish: Wish): Promise<string> => {
    await obey(wish);
    rolls += 1;
    const id = `roll-${rolls}`;
    const { status, body } = await gateway.post('/v1/roll', { id });
    if (status !== 202) throw new Error(`the roll was answered with ${status}: ${JSON.stringify(body)}`);
    return id;
  };
  return {
    first: async () => {},
    bring: async (wish) => void (await roll(wish)),
    async refused(wish) {
      const id = await roll(wish);
      const { reason, ...line } = await gateway.log.waitFor({ event: 'outcome', id });
      if (reason !== 'kept') throw new Error(`the roll is ${reason}`);
      return told(line);
    },
    earlyMs: 5_000,
    async early(wish) {
      const since = gateway.log.lines.length;
      await roll(wish);
      return told(await gateway.log.waitFor({ event: 'failed', action: 'request-leaf' }, { since }));
    },
    patience: async () => {},
    issued,
  };
}

/** What a line of the log says of a failure. */
export const told = ({ code, message, advice }: Readonly<Record<string, unknown>>): Told => ({
  code: String(code),
  sentence: `${message} ${advice}`,
});
