import { rowsOf } from '../row.ts';

/** DPS, or a hub, gives no answer about one leaf: it may give one about the other. */
export const SILENCE = rowsOf(`
DPS does not answer: it is asked after 5 s, by a ladder whose rungs are three times as long, up to an hour
  DPS: NL-DPS-TIMEOUT, all · hub forgets the device
  → register a 0-1, register a 0.05-0.2, register a 0.1-0.5, register a 0.4-1.2, register a 1.5-4, register a 4-12, register a 15-30 beside connect a | registering, offline, NL-DPS-TIMEOUT
where DPS was not reached, ten minutes and their jitter are the longest pause
  DPS: NL-DPS-UNREACHABLE, all · hub forgets the device · 30 min → register a 0-13, register a 7-13, register a 7-13, register a 7-13 beside connect a
once DPS answers, it is over
  DPS: NL-DPS-TIMEOUT, all · hub forgets the device · 10 min · all is well → register a 0-15, connect a 0-1, nothing 120 | online, all is well
about the candidate: it is asked by the ladder, and the session of the current leaf is left alone
  DPS: NL-DPS-TIMEOUT, candidate · roll · until register b → register b x7 30-90 | online, registering-next, leaf a, no person, NL-DPS-TIMEOUT
about the candidate, and the hub refuses the current leaf: that one is registered at once
  DPS: NL-DPS-TIMEOUT, candidate · roll · until register b · hub forgets the device
  → register a 0-1, register b 0-40 beside connect a | online
about the candidate, and no hub answers the current leaf: that one asks for another, once its hub has had its time
  DPS: NL-DPS-TIMEOUT, candidate · roll · until register b · hub: NL-HUB-UNREACHABLE, all · link drops
  → register b x5 5-12, register a 5-30, register b 2-40 beside connect a
about the current leaf: the candidate that waits is registered by the next rung, and then they are by turns
  [individual, due] start · 30 min · DPS: NL-DPS-TIMEOUT, current · hub forgets the device
  → register b 0-1, register a x7 25-60, register b 0-75 beside connect a | keys ab
DPS throttles a whole fleet: two leaves cost no more questions than one
  DPS: NL-DPS-THROTTLED, all · roll · until register b · hub forgets the device
  → register a 0-2, register b 1-36, register a 1-36 beside connect a
DPS throttles, and is asked in windows that grow by a third, never within 90 s of the window before
  DPS: NL-DPS-THROTTLED, all · hub forgets the device
  → register a 0-1, register a 0.05-2, register a 1-5, register a 1-5, register a 1-6 beside connect a
what DPS asks for is waited for
  DPS: NL-DPS-THROTTLED, all, retry after 120 s · hub forgets the device → register a 0-1, register a 2-4, register a 2-5 beside connect a
on the way back, with an open session: the candidate is tried once more when its time has come
  hub: NL-HUB-REJECTED, candidate · DPS: NL-DPS-TIMEOUT, current · roll · until abandoning → register a * 2-20, register b 1-12, connect b x10 3-6, register a | online, keys ab
on the way back, without a session: the candidate is tried once more when its time has come
  hub: NL-HUB-REJECTED, candidate · DPS: NL-DPS-TIMEOUT, current · roll · until abandoning · hub: NL-HUB-REJECTED, all · link drops
  → register a * 2-30, register b 2-40, connect b x10 4-12, register a 0-5 beside connect a | keys ab
the hub refuses a candidate, and then DPS does not answer about it: newleaf asks each 74 minutes, and then takes the current leaf back
  hub: NL-HUB-REJECTED, candidate · roll · until register a · DPS: NL-DPS-TIMEOUT, candidate · 8 h
  → register b 0-75, register a 0-1, register b 73-76, register a 0-1, register b 73-76 beside connect a | online, leaf a, next b
where DPS assigns another hub to the current leaf, a candidate about which the one before was silent is asked for at once
  hub: NL-HUB-UNREACHABLE, candidate · roll · until connect b · moved to hub2 · link drops
  → register a 14-36, connect a hub2 0-1, register b 0-1, connect b hub2 0-1 beside connect a, connect b | online, leaf a, next b
on the way back, and the current leaf ends: the candidate is all that is left, and is asked for
  [left 20 min] hub: NL-HUB-REJECTED, candidate · DPS: NL-DPS-TIMEOUT, current · start · until abandoning
  → register b 1-12, connect b x10 3-6, register b 1-12, connect b x10 3-6 beside connect a, register a
one that a person has discarded is not brought back, also where the hub does not answer
  hub: NL-HUB-CLOSED, candidate · roll · until connecting-next · DPS: NL-DPS-TIMEOUT, current · hub: NL-HUB-UNREACHABLE, all · link drops · roll --discard
  → register a x7 20-75 beside connect a, connect b | keys ab
but while the hub serves the current leaf the way back goes on
  hub: NL-HUB-CLOSED, candidate · roll · until connecting-next · DPS: NL-DPS-TIMEOUT, current · roll --discard
  → register a x7 20-60 beside connect b | abandoning, online
a hub that answers all but the candidate costs nothing while the session is open
  hub: NL-HUB-CLOSED, candidate · roll · until connecting-next → connect b x19 10-20 | online, connecting-next, no person
and the hub refuses the current leaf: after a quarter to half an hour that one is registered
  hub: NL-HUB-CLOSED, candidate · roll · until connecting-next · hub forgets the device
  → connect b * 12-36, register a 0-1 beside connect a, register b | online, keys ab
where the token signs no handshake of the candidate three attempts are enough, as they say nothing of the hub
  roll · until issue b · until register b · token: no handshake, candidate · hub forgets the device
  → connect b x3 0-1, register a 0-1 beside connect a | keys ab, online
a request that is planned begins while the hub of a candidate is not reached, and the roll has ended
  hub: NL-HUB-UNREACHABLE, candidate · method reprovision, delayed · roll · until connecting-next · 61 min
  → connect b x3 | ended kept NL-HUB-UNREACHABLE
a technician does not wait for the ladder of DPS
  DPS: NL-DPS-TIMEOUT, all · hub forgets the device · 1 h · all is well · reprovision
  → register a 0-0.2, connect a 0-1, nothing 60 | online, answer accepted
nor does a method, within its budget
  DPS: NL-DPS-TIMEOUT, all · hub forgets the device · 1 h · all is well · method reprovision
  → register a 0-0.2, connect a 0-1, nothing 60 | online, answer accepted
a pause that was planned beside an open session is no longer than a turn once the hub has ended it
  DPS: NL-DPS-TIMEOUT, all · roll · 4 h · hub forgets the device → register b 0-38, register a 0-38 beside connect a | offline, keys ab
`);
