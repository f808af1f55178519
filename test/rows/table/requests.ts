import { ROLL, rowsOf } from '../row.ts';

/** One piece of work at a time: what waits, what goes on, and what makes room. */
export const REQUESTS = rowsOf(`
asked to roll
  roll → ${ROLL}, nothing 60 | ended asked done, answer accepted
asked to register
  reprovision → register a 0-1, nothing 60 | ended asked done
a method as well
  method roll → ${ROLL}, nothing 60 | ended asked done
one ID twice is one roll
  method roll, twice with one ID → ${ROLL}, nothing 60
asked to register a gateway without a leaf: its first leaf is asked for
  [new] issuer: NL-EST-REFUSED · start · 1 min · all is well · reprovision → issue a 0-1, register a 0-1, connect a 0-1, nothing 60 | ended asked done
and where its first leaf waits for the operator, that one
  [new, individual] start · 1 min · reprovision → register a 0-1, register a 14-18 | unprovisioned, person, next a
asked while DPS takes its time with the current leaf: busy
  DPS: answers after 130 s · reprovision · 1 min · roll → register a 1-2, nothing 60 | answer busy, answer NL-BUSY
what DPS answers to what was sent before a technician asked is no answer: it is asked at once
  [individual] DPS: answers after 130 s · install, not enrolled · 1 min · reprovision → register b 1-2, register b 2-3, register b 15-20 | answer busy, next b
asked while DPS takes its time with the candidate: busy
  DPS: answers after 130 s · roll · until registering-next · roll → register b 1-3, connect b 0-1, destroy a 0-1, nothing 60 | answer busy, leaf b
asked to roll while the candidate is proven: busy
  hub: NL-HUB-UNAVAILABLE, candidate · roll · until connecting-next · 10 s · roll → connect b x10 | answer busy
asked on the way back to the current leaf: the candidate is tried once more after it
  hub: NL-HUB-REJECTED, candidate · roll · 3 min · DPS: answers after 130 s · until abandoning · roll
  → register a 1-3, register b 0-3, connect b x10 3-6, register a 0-3 | answer accepted, leaf a, online
the hub refuses the current leaf while that is registered: the work goes on
  DPS: answers after 130 s · reprovision · 30 s · hub forgets the device
  → connect a 0-1, register a 1-2, connect a 0-1, nothing 60 | online, ended asked done
the hub refuses the current leaf while the candidate is registered: the work goes on
  DPS: answers after 130 s · roll · until registering-next · hub forgets the device
  → connect a 0-1, register b 1-3, connect b 0-1, destroy a 0-1, nothing 60 | leaf b
the hub refuses the current leaf on the way back to it: the work goes on
  hub: NL-HUB-REJECTED, candidate · roll · 3 min · DPS: answers after 130 s · until abandoning · hub forgets the device
  → connect a 0-1, register a 1-3, connect a 0-1, register b 4-10 | leaf a, online
asked to register while the issuer takes its time: busy, and the roll goes on
  issuer: takes nine minutes · roll · 1 min · reprovision
  → issue b 7-9, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | answer busy, leaf b
asked to register while the issuer keeps failing: the roll makes room, and goes on without its asker
  issuer: NL-EST-UNREACHABLE · roll · 1 min · reprovision
  → register a 0-1, issue b x5 | answer accepted, ended asked done, keys ab, no person
its key is left for the next roll
  issuer: NL-EST-UNREACHABLE · roll · 1 min · reprovision · 1 min · all is well · roll
  → issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b
asked to roll while the issuer keeps failing: the roll goes on
  issuer: NL-EST-UNREACHABLE · roll · 1 min · roll → issue b x5 | answer busy
the hub refuses the current leaf while the issuer takes its time: that is answered there, and the roll goes on
  issuer: takes nine minutes · roll · 1 min · hub forgets the device
  → connect a 0-1, register a 0-1, connect a 0-1, issue b 8-10, register b 0-1, connect b 0-1, destroy a 0-1 | leaf b, ended asked done
the same while a key is made
  token: makes no key, NL-TOKEN-FAILED · roll · 1 min · hub forgets the device
  → connect a 0-1, register a 0-1, connect a 0-1, make b x10 | online, generating-key
asked to roll while a key is made for a CSR: that key serves the roll
  token: makes no key, NL-TOKEN-FAILED · csr · 2 s · all is well · roll → ${ROLL}, nothing 60 | ended asked done
asked to register while the old key is not destroyed
  token: destroys no key · roll · until retiring-key · 5 s · reprovision → register b 0-1 beside destroy a | answer accepted
asked to register while a candidate is proven whose hub gives no answer: DPS is asked for another hub
  hub: NL-HUB-UNAVAILABLE, candidate · roll · until connecting-next · 10 s · reprovision
  → connect b 0-1, register b 0-1, connect b x5 | answer accepted, ended kept NL-HUB-UNAVAILABLE
a candidate that the hub refuses keeps its ladder, however often a person asks
  hub: NL-HUB-REJECTED, candidate · roll · until connecting-next · 10 s · reprovision · 10 s · roll
  → connect b x6 2-5, register a 0-1, register b 4-7 | answer busy
asked to register while the hub has its time for the candidate: its last word is an answer, and the candidate gets no second time
  DPS: NL-DPS-401002, current · hub: NL-HUB-REJECTED, candidate · hub forgets the device · until connecting-next · 10 s · reprovision
  → connect b x7 2-5, register a 0-1, nothing 30 | stranded, person, ended asked person
a re-registration whose hub does not answer makes room for another
  hub: NL-HUB-UNREACHABLE, all · link drops · reprovision · 1 min · reprovision
  → register a 0-1, nothing 8 beside connect a | answer accepted, ended failed NL-HUB-UNREACHABLE
and for a roll
  hub: NL-HUB-UNREACHABLE, current · link drops · reprovision · 1 min · roll → ${ROLL}, nothing 60 beside connect a | leaf b, online, ended asked done
and for a leaf that is due
  hub: NL-HUB-UNREACHABLE, current · link drops · reprovision · 1 min · clock 400 days ahead
  → make b 0-2, issue b, register b, connect b, destroy a beside connect a | leaf b, ended asked done
not where the hub refuses
  DPS: assigns, and tells no hub · hub forgets the device · reprovision · 1 min · roll → connect a x3 | answer busy
a registration that DPS does not answer goes on for another that is asked for: reprovision
  DPS: NL-DPS-TIMEOUT, all · reprovision · 10 s · reprovision → register a x3 | answer accepted
a registration that DPS does not answer goes on for another that is asked for: roll
  DPS: NL-DPS-TIMEOUT, all · reprovision · 10 s · roll → make b 0-1, issue b 0-1, register b x3 | answer accepted
where DPS does not answer about a candidate, the current leaf is registered for who asks, and the roll goes on
  DPS: NL-DPS-TIMEOUT, candidate · roll · until register b · 10 s · reprovision → register a 0-1, register b x3 | answer accepted, ended asked done
only persons bring leaves: a roll is answered so, and nothing is asked
  [by a person] roll → nothing 60 | answer busy, answer NL-ISSUER-PERSON
there a registration is one as ever
  [by a person] reprovision → register a 0-1, nothing 60 | ended asked done
a new gateway waits for a person, and says so
  [new, by a person] start → nothing 120 | unprovisioned, person, NL-ISSUER-PERSON, exit 4
a roll that was promised, and the issuer is one that needs a person now: its moment ends it, and says so
  roll, delayed · another kind of issuer · 1 h → nothing 60 beside connect a | ended person NL-ISSUER-PERSON, online
a CSR that is asked for while the current leaf is registered is made after that
  DPS: answers after 130 s · reprovision · 30 s · csr → register a 1-3, make b 0-1, nothing 60 | answer csr, online
the session ends beside a registration: it is opened again at once, and the work goes on
  DPS: answers after 130 s · reprovision · 30 s · link drops → connect a 0-0.3, register a 1-3, nothing 60 | online, ended asked done
the session ends beside a roll: the same
  issuer: takes nine minutes · roll · 1 min · link drops → connect a 0-0.3, issue b 7-9, register b 0-1, connect b 0-1, destroy a 0-1 | leaf b
both are told where work and session fail: the work, and the session
  issuer: NL-EST-UNREACHABLE · hub: NL-HUB-UNREACHABLE, all · link drops · roll · 1 min
  → issue b x3 beside connect a | NL-EST-UNREACHABLE, NL-HUB-UNREACHABLE, offline, no person, exit 1
asked to roll while stranded: DPS is asked once more, and a key is made at once
  DPS: NL-DPS-DISABLED, all · hub forgets the device · until stranded · roll
  → register a 0-1, make b 0-1, issue b 0-1, register b 0-1, nothing 30 | answer accepted, stranded, next b
roll --discard where no candidate waits is a roll
  roll --discard → ${ROLL}, nothing 60 | ended asked done
one that must wait for a token which is not in its place ends in words, and names a person, while the session stays open
  hub: NL-HUB-UNREACHABLE, candidate · roll · 2 min · another token is plugged in · roll --discard
  → register a 0-1, register a 5-6, register a 14-18 | online, leaf a, person, NL-TOKEN-FAILED, exit 4, ended kept NL-TOKEN-FAILED
with the first token in its place again, a roll goes on at once
  hub: NL-HUB-UNREACHABLE, candidate · roll · 2 min · another token is plugged in · roll --discard · 2 min · all is well · the first token is plugged in · roll
  → register a 0-1, destroy b 0-1, make c 0-1, issue c 0-1, register c 0-1, connect c 0-1, destroy a 0-1 | leaf c, keys c, all is well, ended asked done
a re-registration for which the gateway lacks its onboarding key keeps its pace, however often a session ends
  [Azure] the onboarding key is lost · method reprovision · hub: ends each session after 61 s · 10 min
  → register 10-75, register 55-80 beside connect a | online, person, NL-ONBOARDING-KEY
`);
