import { rowsOf } from '../row.ts';

/** A candidate that DPS refuses waits for its enrollment, beside the current leaf. */
export const PARKED = rowsOf(`
a candidate that DPS refuses is asked for again after 5 and 15 minutes, then every hour
  [individual, due] start
  → make b 0-1, issue b 0-1, register b 0-1, register b 5-6, register b 15-18, register b 60-70, register b 60-70 beside connect a | serving, online, leaf a, next b, person, exit 4, NL-DPS-401002
the roll itself has ended: it waits for a person
  [individual, due] start → make b, issue b, register b 0-1, nothing 4 beside connect a | ended due person, ended person NL-DPS-401002, keys ab
once it is enrolled, its next rung serves it
  [individual, due] start · 1 min · operator enrolls
  → register b 3-6, connect b 0-1, destroy a 0-1, nothing 120 | leaf b, keys b, all is well, ended due done
or a method at once
  [individual, due] start · 1 min · operator enrolls · method reprovision
  → register b 0-1, connect b 0-1, destroy a 0-1, nothing 120 | leaf b, ended asked done
where a person asks it is registered before the current leaf, and that one after it
  [individual, due] start · 1 min · reprovision → register b 0-1, register a 0-1, register b 14-18 | serving, answer accepted
a probe that was planned before the clock was set back does not wait for that moment
  [individual, due] start · 30 min · clock 2 hours back → register b 0-2, register b 60-70 | next b
it is asked for before the current leaf ends: no pause takes more than half of what is left
  [individual, left 8 min] start → make b, issue b, register b 0-1, register b 3.5-4.1, register b 1.5-2.1 beside connect a
the current leaf has ended meanwhile: its pauses are no shorter for that, and the current leaf is not asked for
  [individual, left 10 min, of 3 h] start · 11 min → register b 15-70, register b 60-70 beside connect a | NL-LEAF-EXPIRED, person
roll --discard drops it without a question to DPS, whose last word was that it does not trust it
  [individual, due] start · 1 min · roll --discard
  → destroy b 0-1, make c 0-1, issue c 0-1, register c 0-1, register c 5-6, register c 15-18 beside connect a | keys ac, next c
where DPS may trust it, the current leaf is registered first
  hub: NL-HUB-CLOSED, candidate · roll · until connecting-next · roll --discard
  → register a 0-1, destroy b 0-1, make c 0-1, issue c 0-1, register c 0-1 beside connect b | keys ac, leaf a, online
the same while DPS does not answer about it
  DPS: NL-DPS-TIMEOUT, candidate · roll · until register b · roll --discard
  → register a 0-1, destroy b 0-1, make c 0-1, issue c 0-1, register c 0-1 | ended failed NL-DPS-TIMEOUT
one that DPS may trust, and DPS refuses the current leaf meanwhile: only its leaf goes, and its key gets another
  [individual] hub: NL-HUB-CLOSED, candidate · csr and install · until connect b · current leaf taken out · link drops · DPS: assigns, and tells no hub · roll --discard
  → register a 0-1, issue b 0-1, register b2 0-1 beside connect a, connect b | keys ab, next b2
a technician discards the candidate of a stranded gateway: once DPS takes the current leaf, it serves
  [individual, by a person] install, not enrolled · 1 min · DPS: NL-DPS-401002, all · hub forgets the device · until stranded · all is well · roll --discard
  → destroy b 0-1, register a 20-70, connect a 0-1, nothing 60 | serving, leaf a, keys a, all is well
the hub refuses the current leaf meanwhile: the candidate is registered first, the current leaf after it
  [individual, due] start · 1 min · hub forgets the device → connect a 0-1, register b 0-1, register a 0-8, connect a 0-1 | online, serving, next b
no hub answers: newleaf asks about the current leaf, as DPS has refused the candidate
  [individual, due] start · 30 min · hub: NL-HUB-UNREACHABLE, all · link drops → register a 14-36 beside connect a | next b, person
the configuration has changed: it asks about the current leaf
  [individual, due] start · 30 min · another endpoint → register a 0-1, register b 30-70 beside connect a | online
and where the current leaf has expired, about the candidate, then after half of what is left of it
  [individual, left 30 min, of 2 h] start · 31 min · another endpoint → register b 0-1, register b 40-50 beside connect a
the first leaf waits for its enrollment: after 5 and 15 minutes, then every hour
  [new, individual] start
  → make a, issue a, register a 0-1, register a 5-6, register a 15-18, register a 60-70 | unprovisioned, person, exit 4, NL-DPS-401002
a factory leaf that was never assigned to a hub, and its candidate: each by the ladder, and no more than 12 questions an hour
  [given, individual] DPS: NL-DPS-401002, all · start
  → register a 0-1, make b, issue b, register b 0-1, register a 5-6, register b 0-1, nothing 8 | stranded, person
the leaf after one that came to nothing is asked for after 5 minutes, and then every hour
  [individual, left 20 h, of 3 h] roll · until issue b · until issue b
  → register b2 0-1, register b2 5-6, register b2 60-70 | next b2, leaf a, online, person
one that expired makes room without a question to DPS, and its key gets another leaf
  [individual, left 6 h, of 1 h] roll · until issue b → register b 0-1, register b 5-6, register b 15-18, issue b 30-45, register b2 0-1 | next b2, keys ab, leaf a
what was brought by install, and the issuer needs no person: it makes room for a leaf that is due, for the same key
  [individual, left 10 h, of 24 h] start · install, not enrolled · 10 s
  → register b x3, issue b 0-70, register b2 0-1 beside connect a | next b2, keys ab
what was brought by install by method, and the issuer needs no person: it makes room for a leaf that is due, for the same key
  [individual, left 10 h, of 24 h] start · install by method, not enrolled · 10 s
  → register b x3, issue b 0-70, register b2 0-1 beside connect a | next b2, keys ab
it stays where only persons bring leaves
  [individual, by a person, left 10 h, of 24 h] start · install, not enrolled · 10 s
  → register b x3, register b 60-70 beside connect a | next b, NL-ISSUER-PERSON, NL-DPS-401002
roll --discard does not ask where DPS has accepted the current leaf since: it trusts no leaf but that one
  hub: NL-HUB-CLOSED, candidate · roll · until connecting-next · hub forgets the device · until register a · 5 s · roll --discard
  → destroy b 0-1, make c 0-1, issue c 0-1, register c 0-1 beside connect b | keys ac, leaf a, online
one that expires while DPS does not answer about it: its key gets another leaf
  [left 6 h, of 1 h] DPS: NL-DPS-TIMEOUT, candidate · roll → make b, issue b, register b *, issue b 20-60, register b2 0-60 | keys ab, next b2, online
one that expires while the gateway is stranded makes room: its key gets another
  [individual, left 3 h, of 1 h] current leaf taken out · hub forgets the device · until stranded
  → issue b 30-110, register b2 0-40 beside connect a, register a, register b | keys ab, next b2
the hub has refused the current leaf that DPS takes: a candidate that is not enrolled is asked for once, and then the current leaf
  [individual] roll · 1 min · hub: NL-HUB-REJECTED, current · link drops
  → connect a, register b 0-1, register a 0-1, connect a x10 3-6, register a 0-1, connect a x10 3-6 | next b, NL-HUB-REJECTED
DPS takes both leaves, and the hub refuses both: they take turns of 37 minutes
  [due] hub: NL-HUB-REJECTED, all · start · 2 h
  → register b, connect b x10, register a 30-34, connect a x10 3-6, register b 30-34, connect b x10, register a 30-34 | person, NL-HUB-REJECTED
a first leaf that DPS assigns, and the hub refuses for good, is asked for after 5 and 15 minutes: the ladder goes on
  [new] hub: NL-HUB-REJECTED, all · start
  → make a, issue a, register a 0-1, connect a x10 3-6, register a 4-7, connect a x10, register a 14-18, connect a x10, register a 60-70 | keys a, NL-HUB-REJECTED
a first leaf that expires while it waits: its key gets another one
  [new, individual, of 1 h] start
  → make a, issue a, register a 0-1, register a 5-6, register a 14-18, register a 15-25, register a 14-20, issue a 0-12, register a2 0-1 | unprovisioned, next a2
a key that DPS may trust stays, and the issuer signs it no more: the other place serves, and the key goes once another leaf is proven
  [new] hub: NL-HUB-REJECTED, all · start · until connect a · 5 min · issuer: NL-ISSUER-NEW-KEY · roll --discard · 1 min · all is well
  → destroy b 5-18, make c 0-1, issue c 0-1, register c 0-1, connect c 0-1, destroy a 0-1, nothing 60 | leaf c, keys c, all is well
`);
