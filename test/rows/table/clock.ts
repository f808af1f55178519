import { ROLL, rowsOf } from '../row.ts';

/** A clock that is wrong, or is set; and a disk that takes nothing. */
export const CLOCK = rowsOf(`
a clock of 1970 judges no leaf expired or due
  [due] clock in 1970 · start → nothing 120 beside connect a | online, serving, NL-CLOCK
nor does one that is behind the moment when a server was last seen
  [due] hub: NL-HUB-REJECTED, candidate · start · until register a · no network · a boot with a clock that is 2 hours behind
  → nothing 100 beside connect a, register a, register b | offline, NL-CLOCK, keys ab
once it is right, the leaf that is due is renewed
  [due] clock in 1970 · start · 10 min · clock is right → make b 0-2, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1 | leaf b, all is well
a refusal needs no clock
  clock in 1970 · 5 min · hub forgets the device → connect a, register a 0-1, connect a 0-1, nothing 60 | online
nor does a person
  clock in 1970 · roll → ${ROLL} | leaf b
a clock that jumps each minute does not cut short what DPS asked for
  clock: jumps by 6 s each minute · DPS: NL-DPS-THROTTLED, all, retry after 120 s · hub forgets the device
  → register a 0-1, register a 2-4, register a 2-5, register a 2-6 beside connect a
nor the pauses of a ladder more than once an hour
  clock: jumps by 6 s each minute · DPS: NL-DPS-SERVER, all · hub forgets the device · 1 h
  → register a x4 90-230, register a x4 90-230 beside connect a
a clock that is set ends the pause of what may have failed for the clock alone
  DPS: NL-DPS-UNTRUSTED, all · hub forgets the device · 2 h · until register a · 10 s · clock 2 hours ahead → register a 0-2 beside connect a
what DPS asked for is waited for, however far the clock is set
  DPS: NL-DPS-THROTTLED, all, retry after 1 h · hub forgets the device · until register a · clock 4 days ahead → register a 58-90 beside connect a
a leaf that was not valid yet: its issuer is asked as soon as the clock is set, and not an hour later
  issuer: its clock is days ahead · roll · 1 min · all is well · clock 4 days ahead
  → issue b 0-2, register b2 0-1, connect b2 0-1, destroy a 0-1 | keys b, leaf b2
the turns of two leaves go by what was asked last, also where the clock was set back in between
  [individual] current leaf taken out · hub: NL-HUB-UNREACHABLE, candidate · hub forgets the device · 1 min · operator enrolls the candidate · reprovision · 10 min · clock 2 hours back · until register a
  → connect b * 35-39, register b 0-2 | offline, next b
and by what this process has heard, where the clock was set back during a restart
  [individual, due] start · 1 min · DPS: NL-DPS-TIMEOUT, current · hub: NL-HUB-REJECTED, current · link drops · until register b · 10 s · a boot with a clock that is 2 hours behind
  → register a * 20-40, register b 30-50 | person, next b
and so does what a candidate has met last
  hub: NL-HUB-REJECTED, candidate · roll · until register a · DPS: NL-DPS-REFUSED, candidate · clock 2 hours back · until register b
  → nothing 2 | person, NL-DPS-REFUSED, next b
an issuer said "tomorrow" while the clock was of 1970, and the leaf has ended by the one that is right: within an hour it is asked again
  [left 6 h] issuer: NL-CMD-WAIT, retry after a day · start · 550 min · clock in 1970 · 43 min · clock is right → issue b 0-70, issue b 40-70 beside connect a | online, leaf a
a disk that takes nothing: no roll begins that it does not know, and who asks is told
  disk: takes nothing · roll → nothing 60 | online, keys a, answer broken, answer NL-STATE-WRITE, NL-STATE-WRITE
the session is opened again all the same, and the leaf that the disk knows is registered
  disk: takes nothing · hub forgets the device → connect a, register a 0-1, connect a 0-1, nothing 60 | online, NL-STATE-WRITE
nor a hub that has gone: DPS is asked, and the other hub is used
  disk: takes nothing · hub1 is gone → register a 14-36, connect a hub2 0-1 beside connect a | online, NL-STATE-WRITE
no key is destroyed before the disk knows that its leaf has been replaced
  roll · until register b · disk: takes nothing → connect b 0-1, nothing 60 | online, leaf b, keys ab, NL-STATE-WRITE
what cannot be kept for later is refused
  disk: takes nothing · roll, delayed → nothing 90 | answer broken, answer NL-STATE-WRITE
no leaf is sent to DPS that the disk does not know
  roll · until make b · disk: takes nothing → issue b *, nothing 60 beside make b | online, leaf a, keys ab, NL-STATE-WRITE
and the roll goes on when it is known
  roll · until make b · disk: takes nothing · 10 min · all is well
  → register b 0-15, connect b 0-1, destroy a 0-1, nothing 60 beside issue b | leaf b, keys b
a new gateway makes no key on such a disk
  [new] disk: takes nothing · start → nothing 60 | offline, keys , NL-STATE-WRITE, exit 1
a factory leaf is registered all the same: it is found in the token once more
  [given] disk: takes nothing · start → register a 0-1, connect a 0-1, nothing 60 | online, leaf a
a disk that takes every second write holds no roll back
  [due] disk: takes every second write · start
  → make b 0-2, issue b 0-2, register b 0-2, connect b 0-2, destroy a 0-2, nothing 60 beside connect a | leaf b
what DPS answers to what was sent before the clock was set is asked again at once
  [individual] DPS: answers after 130 s · install, not enrolled · 1 min · clock 4 days ahead → register b 1-2, register b 2-3, register b 15-20
`);
