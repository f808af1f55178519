import { rowsOf } from '../row.ts';

/** The session with the current leaf: it ends, it flaps, its hub does not answer, and DPS may name another. */
export const SESSION = rowsOf(`
the session ends: it is opened again at once, and DPS is not asked
  link drops → connect a 0-1, nothing 120 | online, all is well
the first short session is opened again at once, the second after a moment
  hub: ends each session after 5 s → connect a 0-0.2, connect a 0.05-0.3, connect a 0.05-0.5
from the third on newleaf backs off for five minutes, and asks no DPS
  hub: ends each session after 5 s → connect a x3 0-1, connect a 5-7.5, connect a 5-7.5, nothing 3 | offline, NL-HUB-FLAPPING, no person, exit 1
from the sixth on it is a quarter of an hour
  hub: ends each session after 5 s · 30 min → connect a 0-20, connect a 15-20, connect a 15-20, connect a 15-20
a session of a minute is none of these: it is opened again at once
  hub: ends each session after 61 s → connect a x20 19-22 | online, all is well
a long session ends the row
  hub: ends each session after 5 s · 20 s · all is well · 30 min · link drops → connect a 0-0.2, nothing 60 | online, all is well
after short sessions a refusal is their cause: DPS is asked at once
  hub: ends each session after 5 s · until connect a · 8 s · all is well · hub forgets the device
  → connect a 0-6, register a 0-1, connect a 0-0.2, nothing 60 | online, all is well
a box on the way ends idle sessions: a shorter keepalive is tried at once, and stays
  way: ends sessions that are idle for 70 s → connect a 1-2, connect a 1-2, nothing 120 | online, all is well
a box that no keepalive outdoes: pauses of a quarter of an hour, and it is named
  way: ends sessions before any ping · 1 h → connect a 0-20, connect a 14-20, connect a 14-20, nothing 5 | offline, no person, exit 1, NL-HUB-FLAPPING
no hub answers: DPS is asked within a quarter to half an hour, and a minute is the longest pause of a connect
  hub: NL-HUB-UNREACHABLE, all · link drops → connect a * 14-36, register a 0-1, connect a x20 13-20 | NL-HUB-UNREACHABLE, no person, exit 1
and then once an hour
  hub: NL-HUB-UNREACHABLE, all · link drops · until register a → register a 54-70, register a 54-70 beside connect a
the hub is gone: DPS names another, and the session is there
  hub1 is gone → connect a * 14-36, register a 0-1, connect a hub2 0-1, nothing 120 | online, all is well, ended unreached done
the operator has moved the gateway: who asks is taken there
  moved to hub2 · reprovision → register a 0-1, connect a hub2 0-1, nothing 120 | online, ended asked done
the candidate that DPS assigns to another hub is proven there
  moved to hub2 · roll → make b, issue b, register b, connect b hub2 0-1, destroy a 0-1, nothing 60 | leaf b, online
the hub of the candidate alone does not answer: it is registered again, and its session goes on meanwhile
  hub: NL-HUB-UNREACHABLE, candidate · roll · until connecting-next
  → connect b * 14-36, register b 0-1, connect b * 55-65, register b 0-1 | online, leaf a, keys ab, no person
a candidate that the hub takes, and drops, costs the session three times; then the current leaf is registered, and the candidate asked for ever more seldom
  hub: takes the candidate, and drops it · roll
  → make b, issue b, register b, connect b x3 0-1, register a 0-1, register b 5-6, connect b x3 0-1, register a 0-1, register b 15-18, connect b x3, register a, register b 73-76 beside connect a | leaf a, next b, keys ab, ended kept NL-HUB-LOST
but not where DPS and hub refuse the current leaf: the candidate goes on, and serves when the line is well again
  [individual] current leaf taken out · hub: takes the candidate, and drops it · hub forgets the device · 1 min · operator enrolls the candidate · reprovision · 2 min · all is well
  → connect b 0-2, destroy a 0-1 | leaf b, online
neither hub answers: both leaves are asked for, by turns
  hub: NL-HUB-UNREACHABLE, all · roll · until connecting-next · link drops
  → register a 14-36, register b 10-40, register a 40-70 beside connect a, connect b | keys ab
the current leaf has expired: the candidate alone is asked for
  [left 30 min] hub: NL-HUB-UNREACHABLE, all · start · 31 min → register b 0-70, register b 54-70 beside connect a, connect b | NL-LEAF-EXPIRED
a roll waits for its issuer, and the hub is gone: DPS is asked for another, and the roll goes on
  issuer: NL-EST-UNREACHABLE · hub1 is gone · roll
  → issue b *, register a 0-20, connect a hub2 0-1, issue b x4 beside connect a, make b | online, requesting-leaf
forty attempts without an answer cost no leaf and no key
  no network · 1 h · all is well → connect a 0-2, nothing 60 | online, leaf a, keys a, all is well
a roll that the network interrupts goes on with its leaf
  roll · until issue b · no network · 1 h · all is well
  → register b 0-15, connect b 0-1, destroy a 0-1, nothing 60 beside connect a | leaf b, keys b, all is well
`);
