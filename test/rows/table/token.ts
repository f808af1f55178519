import { ROLL, rowsOf } from '../row.ts';

/** A token that loses its state, makes or destroys no key, or has a stranger's key in our place. */
export const TOKEN = rowsOf(`
a module that has lost its state: a new process may heal it, and dials the hub first
  token: makes no key, NL-TOKEN-POISONED · roll · until restart · all is well → connect a 0.4-1, ${ROLL}, nothing 60 | leaf b, restarts 1, all is well
the next process remembers what cost the one before: the roll fails in words, and is tried by the ladder
  token: makes no key, NL-TOKEN-POISONED · roll
  → make b, restart 0-1, connect a 0.4-1, make b 0-1, make b 5-7, make b 14-18, make b 60-70 | serving, online, person, NL-TOKEN-FAILED, ended kept NL-TOKEN-FAILED, restarts 1
or at once by a person
  token: makes no key, NL-TOKEN-POISONED · roll · until serving · 1 min · roll → make b 0-1, make b 5-18 | restarts 1, answer accepted
once every six hours a new process is worth it again
  token: makes no key, NL-TOKEN-POISONED · roll · 5 h → restart 30-130, connect a 0.4-1, nothing 120 beside make b | restarts 2
without a session, every five minutes
  token: makes no key, NL-TOKEN-POISONED · hub: NL-HUB-UNREACHABLE, all · link drops · roll
  → make b, restart 0-1, make b 0.4-3, make b 5-7, restart 0-1, make b 0.4-3 beside connect a | restarts 2
a clock that was set back costs one more process, and is the measure from then on
  token: makes no key, NL-TOKEN-POISONED · roll · 1 h · clock 2 hours back
  → make b 0-2, restart 0-1, make b 0.4-3, make b 5-70 beside connect a | restarts 2
a token that hangs over the next key: the session is opened beside it, and no process ends
  token: hangs where it makes a key · roll · until make b · link drops → connect a 0-1, nothing 4 | generating-key, online, restarts 0
what has hung for five minutes is over in words, and is tried after 5, 15 and 60 minutes
  token: hangs where it makes a key · roll
  → make b 0-1, make b 10-12, make b 19-23, make b 65-75 | online, person, NL-TOKEN-HUNG, ended asked kept, restarts 0
a start after it opens the session first, and waits for no key
  token: hangs where it makes a key · roll · 10 s · power cut → connect a 0-0.1, make b 0-0.1, make b 10-12 | online, restarts 0
or makes it after a minute, where no hub answers; not before, as no other process may be able to
  token: hangs where it makes a key · roll · 10 s · hub: NL-HUB-UNREACHABLE, all · power cut → make b 1-1.1 beside connect a | offline
what a start does with a leaf that DPS has accepted comes after the session as well
  [individual] roll · until register b · 10 s · power cut → connect a 0-0.1, register b 0-70 | online
a token that signs no CSR: the same, and after three attempts another key is tried
  token: signs no CSR, NL-TOKEN-POISONED · roll
  → make b, restart 0-1, connect a 0.4-1, destroy b 75-100, make c 0-1 | serving, online, NL-TOKEN-FAILED, restarts 1
one that signs no handshake of the candidate: it costs one process, and after three attempts more another key is tried
  token: loses its state at a handshake, candidate · roll
  → make b, issue b, register b 0-1, restart 0-1, connect a 0.4-1, register b 0-2, register b 5-7, register b 14-18, register a 0-1, destroy b 0-1, make c 0-1, issue c, register c 0-1, register c 5-7 | serving, online, next c, keys ac, NL-TOKEN-FAILED, restarts 1
one that destroys no key: the same, and the gateway serves
  token: destroys no key, NL-TOKEN-POISONED · roll · until destroy a
  → restart 0-1, connect b 0.4-1, destroy a x5 0.5-5, nothing 120 | serving, online, leaf b, keys ab, NL-TOKEN-FAILED, restarts 1
the session with the current leaf is what a new process is for, each five minutes at most
  token: loses its state at a handshake, current · link drops
  → connect a, restart 0-1, connect a 0.4-1, connect a x5 0-4, connect a *, restart 0-3 | leaf a, keys a
a registration waits for the session that must come first
  token: loses its state at a handshake, current · reprovision · until restart · all is well
  → connect a 0.4-1, register a 0-1, nothing 60 | online, ended asked done, restarts 1
a new gateway without a leaf is told, and asks by the ladder, in a fresh process each time
  [new] token: makes no key, NL-TOKEN-POISONED · start
  → make a, restart 0-1, make a 0.4-3, make a 5-7, restart 0-1, make a 0.4-3 | unprovisioned, person, NL-TOKEN-FAILED
a new process could not open the token: none ends, and the session stays
  token: opens for no new process, and makes no key · roll
  → make b, make b 5-7, make b 14-18, make b 60-70 | online, serving, person, NL-TOKEN-FAILED, restarts 0
the same where it signs no CSR
  token: opens for no new process, and signs no CSR · roll
  → make b, destroy b x6 75-110 | online, NL-TOKEN-FAILED, restarts 0, keys ab
the token is pulled: the session stays, and nothing is destroyed
  the token is pulled · roll · 30 min · the token is plugged in · roll → ${ROLL} | leaf b, online
a refused PIN makes no key: a person is told, and the session stays
  token: makes no key, NL-TOKEN-PIN · roll → make b x10 | online, person, NL-TOKEN-PIN, restarts 0
a key that has served and is not destroyed is tried five times, and named
  token: destroys no key · roll
  → make b, issue b, register b, connect b, destroy a x5 0.5-5, nothing 120 | serving, online, leaf b, NL-TOKEN-FAILED, no person, keys ab, ended asked done
then once a day
  token: destroys no key · roll · 1 h · 22 h → destroy a 30-120, nothing 120
or at a start
  token: destroys no key · roll · 1 h · power cut → destroy a x5 0.5-5, nothing 60 beside connect b
its place is needed by a roll: once more first, and then the roll goes on
  token: destroys no key · roll · 1 h · all is well · roll
  → destroy a 0-1, make c 0-1, issue c 0-1, register c 0-1, connect c 0-1, destroy b 0-1, nothing 60 | leaf c, keys c, all is well
where it stays, the roll waits for a person, and asks by its ladder
  token: destroys no key · roll · 1 h · roll
  → destroy a 0-1, destroy a 5-7, destroy a 14-18, destroy a 60-70 | serving, online, person, NL-TOKEN-OCCUPIED, ended kept NL-TOKEN-OCCUPIED
its place is needed by a CSR: who asks is told, and the place is looked at by the ladder
  token: destroys no key · roll · 1 h · csr → destroy a 0-1, destroy a 5-7, destroy a 14-18 | answer broken, answer NL-TOKEN-OCCUPIED, keys ab
a stranger's key is in the place of the next one: a person is told, and the place of the leaf that serves is left alone
  [due] a foreign key in slot b · start
  → make b 0-1, make b 5-7, make b 14-18, make b 60-70 beside connect a | serving, person, NL-TOKEN-OCCUPIED, keys ax
the place is free again: the next rung finds it
  [due] a foreign key in slot b · start · 1 min · the foreign key is gone
  → make b 3-7, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b, all is well
beside a factory key the other place is free
  [given] start · until online · a foreign key in slot a · roll
  → make b 0-1, make b 0-1, issue b 0-1, register b 0-1, connect b 0-1, nothing 60 | leaf b, keys abx
and so is that of a current leaf whose key is lost
  a foreign key in slot b · key of the current leaf is lost · power cut · until make b → make b 0-1, issue b 0-1, register b 0-1, connect b 0-1 | leaf b, keys bx
a person who asks for a CSR meanwhile is told at once
  a foreign key in slot b · csr → make b 0-1, make b 5-7 | answer broken, answer NL-TOKEN-OCCUPIED, serving
a power cut when the intent is on the disk: the key is made, and the roll goes on
  power cut after a write · roll → ${ROLL}, nothing 60 beside connect a | leaf b, keys b, ended asked done
a power cut before the disk has what the issuer gave: the same key is made again, which is found, and gets another leaf
  roll · until make b · power cut before a write
  → issue b *, register b2 0-1, connect b2 0-1, destroy a 0-1, nothing 60 beside connect a, make b | leaf b2, keys b
the next key takes the place that the current leaf does not use, and the places alternate
  roll · 1 min · roll → make c 0-1, issue c, register c, connect c, destroy b 0-1 | c in slot a, keys c, leaf c
a second key, as the first was lost, is made by a new process: only a fault that no process heals makes it wait
  issuer: NL-EST-UNREACHABLE · roll · 30 s · token: makes no key, NL-TOKEN-POISONED · key of the candidate is lost
  → make b 0-1, restart 0-1, connect a 0.4-1, make b 0-2, make b 5-7, make b 14-18 | person, NL-TOKEN-FAILED, restarts 1
a key that no process has keeps the process whose session is open
  token: makes no key, NL-TOKEN-POISONED · key of the current leaf is lost · roll → make b 0-1, make b 5-7, make b 14-18 | online, person, restarts 0
and not one without a session
  token: makes no key, NL-TOKEN-POISONED · key of the current leaf is lost · link drops · roll
  → make b 0-1, restart 0-1, make b 0-3, make b 4-7, restart 0-1 beside connect a | offline
DPS names no hub that is allowed, and the token makes no key: both are told
  [given, due] DPS: NL-DPS-HUB, all · token: makes no key, NL-TOKEN-FAILED · start · 1 min → make b 0-2, make b 1-3 beside register a | NL-DPS-HUB, NL-TOKEN-FAILED, offline, person
`);
