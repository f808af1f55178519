import type { Row } from '../row.ts';
import { AZURE, TPM } from './attested.ts';
import { BUDGET } from './budget.ts';
import { CLOCK } from './clock.ts';
import { ISSUER } from './issuer.ts';
import { KEYS } from './keys.ts';
import { MOMENTS } from './moments.ts';
import { PARKED } from './parked.ts';
import { PEOPLE } from './people.ts';
import { REFUSALS } from './refusals.ts';
import { REQUESTS } from './requests.ts';
import { SESSION } from './session.ts';
import { SILENCE } from './silence.ts';
import { TOKEN } from './token.ts';

/** All rows, by what they are about. */
export const TABLE: Readonly<Record<string, readonly Row[]>> = {
  'what begins by itself': MOMENTS,
  'what people may cost': BUDGET,
  'one piece of work at a time': REQUESTS,
  'refusals of the current leaf': REFUSALS,
  'a candidate that is parked': PARKED,
  'the session': SESSION,
  'no answer about one leaf': SILENCE,
  'keys that are lost': KEYS,
  'a token at fault': TOKEN,
  'what people bring': PEOPLE,
  'a roll and its issuer': ISSUER,
  'clock and disk': CLOCK,
  'where the hub trusts a CA': AZURE,
  'attestation by a TPM': TPM,
};
