import { type Mutation, of } from './mutation.ts';

/** Ways back that are not tried, and losses from a second piece of work. */
export const BESIDE: readonly Mutation[] = [
  of(
    'step.ts',
    'a reconnect forgets how often the hub refused the candidate',
    "if (state.phase === 'connecting-next') return { ...state, ...open };",
    "if (state.phase === 'connecting-next') return { ...without(state, 'grace'), ...open };",
  ),
  of(
    'parked.ts',
    'a refused candidate leaves a refused gateway alone',
    'const goOn = state.rejected || ',
    'const goOn = ',
    'whatever comes to rest registers a current leaf that the hub refuses',
  ),
  of('look.ts', 'a refusal ends the request that it is about', " && trouble.kind !== 'refused';", ';'),
  of('step.ts', 'a hub that lags DPS costs a registration after each way back', '{ ...gone, grace: 0 };', 'gone;'),
  of(
    'failed.ts',
    'a refusal is taken for a session that is dropped',
    'trouble: failure, flaps: 0 };',
    'trouble: failure };',
  ),
  of(
    'moves.ts',
    'a candidate is asked for after the current leaf has ended',
    'probeMs(times, event.draw, remaining(state, event.at))',
    'probeMs(times, event.draw)',
  ),
  of(
    'moves.ts',
    'a refused issuer is not asked again',
    ' || next.parked !== undefined) return state;',
    ') return state;',
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
    'state.rejected && state.unreached >= PATIENCE',
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
    "phase === 'connecting-next' && next !== undefined",
    'false',
  ),
  of('unreached.ts', 'a DPS that never answers the candidate is asked all day', 'isKnown ? UNHEARD_AGAIN', 'false ? 1'),
  of(
    'moves.ts',
    'an expired candidate asks DPS for a way back',
    'return makesWay(dropLeaf(calm, next, next.id), event, why);',
    'return drop(state, next, event, why);',
  ),
  of(
    'moves.ts',
    'discarding what DPS has refused needs DPS',
    'next.denied === true && state.current !== undefined ? { ...gone, sent: false } : gone',
    'gone',
  ),
  of(
    'moves.ts',
    'the current leaf is never asked for while an issuer is down',
    'state.rejected && state.probe === undefined ? { probe: probeOf(state, event, 1) } : {}',
    '{}',
  ),
  of(
    'step.ts',
    'the ladder of a first leaf begins anew at each assignment',
    '{ ...accepted, refusals: parked.times }',
    'accepted',
  ),
  of(
    'rules.ts',
    'a fleet that is asked to register rolls',
    "if (!rejected && online !== undefined && request?.reason === 'asked')",
    'if (rejected && !rejected)',
  ),
];
