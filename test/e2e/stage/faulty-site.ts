import type { TestContext } from 'node:test';
import { type FaultyToken, faulty } from '../../contract/faulty/faulty.ts';
import type { TestToken } from '../../contract/token/softhsm.ts';
import { type Serving, serving } from './site.ts';

type Options = Omit<NonNullable<Parameters<typeof serving>[1]>, 'around'>;

/** A gateway that serves, with a module around its token that does as the test commands. */
export async function servingFaulty(
  t: TestContext,
  options: Options = {},
): Promise<Serving & { readonly hsm: FaultyToken }> {
  const made: FaultyToken[] = [];
  const around = (at: TestToken): FaultyToken => {
    const hsm = faulty(at);
    made.push(hsm);
    return hsm;
  };
  const site = await serving(t, { ...options, around });
  const [hsm] = made;
  if (hsm === undefined) throw new Error('no token was asked for');
  return { ...site, hsm };
}
