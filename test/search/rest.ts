import type { Code } from '../../agent/failure/failure.ts';
import { knownIds } from '../../agent/roll/look.ts';
import { isDue } from '../../agent/roll/terms.ts';
import { renew } from './azure/deeds.ts';
import { DEEDS } from './deeds.ts';
import type { Gateway } from './gateway.ts';
import { bring } from './people.ts';
import { FOREIGN } from './token.ts';

/** What keeps a gateway from being well; empty where nothing does. */
export function whatIsLeft({ state, world, isOnline, terms, clock, isPutBack }: Gateway): string {
  const { current, next, request, phase } = state;
  if (current === undefined || !isOnline) return 'the gateway does not serve';
  if (!world.isLive(current) || isDue(state, terms, clock.now())) return 'its leaf is expired or overdue';
  if (phase !== 'serving') return 'it does not come to rest';
  if (request !== undefined) return 'a request is left in flight';
  if ((state.lastSeen ?? 0) > clock.now()) return 'a clock that is right is said to be wrong';
  if (next?.leaf !== undefined || next?.rest !== undefined) return 'a candidate is left behind';
  const { a, b } = Object.fromEntries(world.token.card?.keys ?? []);
  const keys = [a, b].filter((id): id is string => id !== undefined && id !== FOREIGN);
  // The hub that was told of another leaf keeps the session, and says so when it ends.
  const isOfCurrent = world.session?.leaf.thumbprint === current.thumbprint;
  const isOfOthers = world.token.isSwapped || isPutBack;
  return isOfCurrent && (isOfOthers || keys.every((id) => knownIds(state).includes(id))) ? '' : 'a key is left behind';
}

interface Help {
  readonly need: string;
  readonly deed: () => void;
}

/** What `status` would have a person do, where it says that one is needed: the first thing first. */
export async function helpFor(gateway: Gateway): Promise<readonly Help[]> {
  const answer = await gateway.daemon?.answer({ kind: 'status' });
  if (answer?.is !== 'status' || !answer.status.person) return [];
  const codes = answer.status.wrong.map(({ code }) => code);
  const { next, current } = gateway.state;
  const isInPlace = current !== undefined && gateway.world.token.has(current.key);
  const isStrange =
    next?.leaf !== undefined && next.leaf.issuer !== 'CA' && gateway.world.options.enrollment === 'group';
  // A key that the token has not destroyed is told until it has; a person who finds the right token in place reads on.
  const hasOther = (code: Code) => codes.some((other) => other !== code && NEEDS[other]);
  const isMade = (code: Code) => code === 'NL-TOKEN-KEY' && gateway.terms.automatic;
  const isDone = (code: Code) => hasOther(code) && ((code === 'NL-TOKEN-FAILED' && isInPlace) || isMade(code));
  return codes.flatMap((need) => {
    const deed = isDone(need) || (need === 'NL-DPS-401002' && !isStrange) ? undefined : NEEDS[need];
    return deed ? [{ need, deed: () => deed(gateway) }] : [];
  });
}

/** What a person does about this, whoever says that one is needed; undefined where there is nothing to do. */
export function helpWith(gateway: Gateway, code: Code): (() => void) | undefined {
  const deed = NEEDS[code];
  return deed && (() => deed(gateway));
}

/** The standing for which a person is called: while it stays, the same deed is no help. */
export function standingOf({ state: { current, next } }: Gateway, need: string): string {
  return [need, current?.thumbprint, next?.leaf?.thumbprint, next?.key.id].join(' ');
}

/** Who must act, and what they do. What the operator enrolls is done anyway. */
const NEEDS: Partial<Record<Code, (gateway: Gateway) => void>> = {
  'NL-ISSUER-PERSON': (gateway) => void bring(gateway),
  // Nobody finds the key again, so a person brings a leaf for another one.
  'NL-TOKEN-KEY': (gateway) => void (gateway.terms.automatic || bring(gateway)),
  'NL-TOKEN-OCCUPIED': (gateway) => {
    gateway.world.token.clear(knownIds(gateway.state));
    if (!gateway.terms.automatic) void bring(gateway);
  },
  'NL-ISSUER-NEW-KEY': (gateway) => {
    if (gateway.terms.keepKey) DEEDS['rotate_key changed'](gateway);
    else void anotherKey(gateway);
  },
  'NL-ONBOARDING-EXPIRED': (gateway) => renewed(gateway),
  'NL-ONBOARDING-EXPIRING': (gateway) => renewed(gateway),
  'NL-ONBOARDING-KEY': (gateway) => renewed(gateway),
  // The token of this gateway is plugged in again.
  'NL-TOKEN-FAILED': ({ world, state }) => world.token.putBack(state.current?.key),
  // A leaf of another CA in a group: the technician takes it back.
  'NL-DPS-401002': (gateway) => void DEEDS['roll --discard'](gateway),
};

/** Another onboarding certificate is installed, and DPS is asked, as what it has said of the one before is told until then. */
function renewed(gateway: Gateway): void {
  if (gateway.world.azure === undefined) return;
  renew(gateway.world.azure, gateway);
  void DEEDS.reprovision(gateway);
}

/** A person asks for another key, and reads the answer: its place may have to be cleared first. */
async function anotherKey(gateway: Gateway): Promise<void> {
  const answer = await DEEDS['csr --new-key'](gateway);
  if (answer !== undefined && 'failure' in answer && answer.failure.code === 'NL-TOKEN-OCCUPIED')
    gateway.world.token.clear(knownIds(gateway.state));
}
