import { ROLL, rowsOf } from '../row.ts';

/** DPS or the hub refuse the current leaf: every automatic way is tried once, and then a person is called. */
export const REFUSALS = rowsOf(`
the hub refuses the current leaf: DPS is asked at once, and its session is open again
  hub forgets the device → connect a 0-1, register a 0-1, connect a 0-1, nothing 180 | online, all is well, ended rejected done
a hub that lags DPS has ten refusals; DPS is asked once more, has ten again, and is not asked a third time
  DPS: assigns, and tells no hub · hub forgets the device
  → connect a, register a 0-1, connect a x10 3-6, register a 0-1, connect a x10 3-15, register a 60-70 | NL-HUB-REJECTED
then the gateway is stranded, and a person is named
  DPS: assigns, and tells no hub · hub forgets the device
  → connect a, register a, connect a x10, register a, connect a x10, nothing 30 | stranded, person, exit 4, NL-HUB-REJECTED, ended rejected person
a refusal that comes long after an assignment is no such thing: DPS is asked at once
  hub forgets the device · 2 h · hub forgets the device → connect a 0-1, register a 0-1, connect a 0-1, nothing 60 | online
within the grace the refusals of the hub begin no roll, and a refusal by DPS does
  DPS: assigns, and tells no hub · hub forgets the device · 1 min · DPS: NL-DPS-401002, current · until register a
  → make b 0-1, issue b 0-1, register b 0-1, connect b x10
the hub has refused the candidate that DPS trusted meanwhile: a session that was open all the time is no new assignment
  hub: NL-HUB-REJECTED, candidate · roll · until register a · 5 s · all is well · DPS: NL-DPS-401002, current · hub forgets the device
  → connect a, register a 0-1, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b, all is well
where the candidate was discarded, the hub may have taken it, and has its time for the current leaf
  hub: NL-HUB-CLOSED, candidate · roll · until connecting-next · roll --discard · until register a · hub: NL-HUB-REJECTED, current · link drops
  → connect a x5 0-1 beside connect b, destroy b, make c, issue c, register c
a hub that learns of a registration within its grace costs no second one
  hub: learns of a registration after 30 s · hub forgets the device
  → connect a, register a 0-1, connect a * 0.4-2, nothing 120 | online, ended rejected done
while the grace lasts, the session is tried again and the roll goes on
  hub: learns of a registration after 30 s · issuer: takes nine minutes · roll · 1 min · hub forgets the device
  → connect a, register a 0-1, connect a * 0.4-2, issue b 7-10, register b 0-1 | online
NL-DPS-401002: DPS refuses the leaf that the hub refuses: one roll may cure it
  DPS: NL-DPS-401002, current · hub forgets the device
  → connect a, register a 0-1, ${ROLL}, nothing 60 | leaf b, keys b, all is well, ended dps-refused done
NL-DPS-404201: DPS refuses the leaf that the hub refuses: one roll may cure it
  DPS: NL-DPS-404201, current · hub forgets the device
  → connect a, register a 0-1, ${ROLL}, nothing 60 | leaf b, keys b, all is well, ended dps-refused done
NL-DPS-REJECTED: DPS refuses the leaf that the hub refuses: one roll may cure it
  DPS: NL-DPS-REJECTED, current · hub forgets the device
  → connect a, register a 0-1, ${ROLL}, nothing 60 | leaf b, keys b, all is well, ended dps-refused done
once for this leaf: what DPS refuses as well is parked, the gateway stranded, and both are asked for by turns
  DPS: NL-DPS-401002, all · hub forgets the device
  → connect a, register a 0-1, make b, issue b, register b 0-1, register a 35-39, register b 35-39, register a 35-39 | stranded, person, exit 4, NL-DPS-401002, leaf a, next b
a cure that DPS refuses asks for the current leaf no more at once
  DPS: NL-DPS-401002, all · hub forgets the device
  → connect a, register a 0-1, make b, issue b, register b 0-1, nothing 30 | stranded, person, ended dps-refused person
a disabled enrollment refuses every leaf: no key is made, and DPS is asked once an hour
  DPS: NL-DPS-DISABLED, all · hub forgets the device
  → connect a, register a 0-1, register a 60-70, register a 60-70 | stranded, person, NL-DPS-DISABLED, keys a
only persons bring leaves: no roll, and a person is called
  [by a person] DPS: NL-DPS-401002, all · hub forgets the device
  → connect a, register a 0-1, register a 60-70 | stranded, person, NL-DPS-401002, keys a
there is a candidate already: it is asked for, and no key is made
  [individual, due] start · 1 min · current leaf taken out · hub forgets the device
  → connect a, register b 0-1, register a 0-1, register b 35-39, register a 35-39 | stranded, keys ab
a CSR that is out is no candidate yet: its key gets the leaf that may cure it
  csr · 1 min · DPS: NL-DPS-401002, current · hub forgets the device
  → connect a, register a 0-1, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1 | leaf b, ended dps-refused done
the budget does not stop it
  ten methods · 95 s · DPS: NL-DPS-401002, current · reprovision · hub forgets the device
  → connect a, register a 0-1, ${ROLL} | ended dps-refused done
the hub is content: what DPS refuses to a person who asks is no reason for a roll
  DPS: NL-DPS-401002, all · reprovision → register a 0-1, nothing 120 | serving, online, keys a, all is well, ended kept NL-DPS-401002
DPS refuses the leaf that the hub takes, as the configuration has changed: no roll, and the ladder goes on
  DPS: NL-DPS-401002, all · another endpoint
  → register a 0-1, register a 5-6, register a 15-18, register a 60-70 beside connect a | serving, online, NL-DPS-401002, keys a
DPS and hub take the current leaf again: the candidate of the cure is given up
  DPS: NL-DPS-401002, all · hub forgets the device · until stranded · all is well · until register a
  → connect a 0-1, destroy b 0-1, nothing 120 | serving, online, leaf a, next none, keys a, all is well
a stranded gateway whose candidate is accepted serves with it
  [individual] current leaf taken out · hub forgets the device · until stranded · operator enrolls the candidate · reprovision
  → register b 0-1, connect b 0-1, destroy a 0-1, nothing 120 | serving, leaf b, all is well
a technician on a stranded gateway is answered about the candidate first, and about the current leaf after it
  DPS: NL-DPS-401002, all · hub forgets the device · until stranded · reprovision
  → register b 0-1, register a 0-1, register b 35-39 | stranded, answer accepted
a leaf of the token that DPS never took, where only persons bring leaves: asked for after 5 and 15 minutes, then hourly
  [given, individual, by a person] DPS: NL-DPS-401002, all · start
  → register a 0-1, register a 5-6, register a 15-18, register a 60-70 | stranded, person, NL-DPS-401002
`);
