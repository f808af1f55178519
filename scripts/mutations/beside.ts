import { type Mutation, of } from './mutation.ts';

/** Ways back that are not tried, and losses from a second piece of work. */
export const BESIDE: readonly Mutation[] = [
  of(
    'done.ts',
    'a reconnect forgets how often the hub refused the candidate',
    "if (next?.is === 'assigned') return { ...state, ...open };",
    "if (next?.is === 'assigned') return { ...without(state, 'grace'), ...open };",
  ),
  of(
    'parked.ts',
    'a question to DPS is told as ended before its second half',
    'const goOn = isBarred(state) || ',
    'const goOn = ',
  ),
  of('look.ts', 'a refusal ends the request that it is about', " && met.failure.kind !== 'refused';", ';'),
  of('done.ts', 'a hub that lags DPS costs a registration after each way back', '{ ...gone, grace: 0 }', 'gone'),
  of(
    'failed.ts',
    'a refusal is taken for a session that is dropped',
    "{ ...without(state, 'online'), flaps: 0 };",
    "without(state, 'online');",
  ),
  of(
    'moves.ts',
    'a candidate is asked for after the current leaf has ended',
    'probeMs(tries, draw, remaining(state, at))',
    'probeMs(tries, draw)',
  ),
  of(
    'moves.ts',
    'a person is waited for, as the issuer refuses and the gateway strands',
    " || next.rest !== undefined || next.for !== 'roll') return",
    " || next.for !== 'roll') return",
  ),
  of(
    'failed.ts',
    'a refusal in the grace gives the session up',
    'if (resting || WAITING.has(state.phase)) return',
    'if (resting) return',
  ),
  of(
    'parked.ts',
    'a roll that DPS refuses comes back without a pause',
    "request?.action === 'roll' ? finish(parked, event, 'person', failure) : parked;",
    'parked;',
  ),
  of('parked.ts', 'DPS is asked once too often', ' || hasJustRefused(state, event)) return strand', ') return strand'),
  of(
    'parked.ts',
    'a gateway with an open session is stranded',
    'state.online !== undefined && !state.rejected',
    'false',
  ),
  of(
    'unreached.ts',
    'a hub that answers all but the candidate locks the gateway out',
    'isBarred(state) && state.unreached >= PATIENCE && canGoBack(state, event)',
    'false',
  ),
  of(
    'unreached.ts',
    'a DPS that answers all but one leaf locks the gateway out',
    'state.unheard < patience(state)',
    'true',
  ),
  of(
    'unreached.ts',
    'a candidate that no hub answers keeps the other leaf from another hub',
    'online === undefined && unreached > AGAIN',
    'false',
  ),
  of(
    'moves.ts',
    'a candidate in flight is forgotten over a request that was planned',
    "if (next?.is === 'assigned') return toRegisterNext(state, next);",
    '',
  ),
  of('unreached.ts', 'a DPS that never answers the candidate is asked all day', 'isKnown || next?.is', 'next?.is'),
  of(
    'moves.ts',
    'an expired candidate asks DPS for a way back',
    'RollState {\n  return makesWay(dropLeaf(state, next), event);',
    "RollState {\n  return drop(state, next, event, 'discarded', undefined as never);",
  ),
  of('moves.ts', 'discarding what DPS has refused needs DPS', 'if (mayBeTrusted(next))', 'if (next !== undefined)'),
  of(
    'moves.ts',
    'the current leaf is never asked for while an issuer is down',
    'isBarred(state) && state.probe === undefined ? { probe: probeOf(state, event, 1) } : {}',
    '{}',
  ),
  of(
    'done.ts',
    'the ladder of a first leaf begins anew at each assignment',
    "{ is: 'assigned', leaf, from, tries, assignment: event.assignment }",
    "{ is: 'assigned', leaf, from, tries: 0, assignment: event.assignment }",
  ),
  of(
    'rules.ts',
    'a fleet that is asked to register rolls',
    "if (!rejected && online !== undefined && request?.reason === 'asked')",
    'if (rejected && !rejected)',
  ),
];
