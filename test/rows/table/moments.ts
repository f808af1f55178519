import { rowsOf } from '../row.ts';

/** What begins by itself, and when: renewals, promises, configuration, the last resort, alarms. */
export const MOMENTS = rowsOf(`
nothing has come: nothing is asked
  nothing happens → nothing 180 | serving, online, exit 0
a new gateway gets its first leaf, and then rests
  [new] start → make a 0-1, issue a 0-1, register a 0-1, connect a 0-1, nothing 60 | serving, online, ended provisioning done
a factory leaf in the token is registered as it is
  [given] start → register a 0-1, connect a 0-1, nothing 60 | leaf a, ended given-key done
a factory leaf that DPS refuses gets a leaf of a key of its own, and the factory key is not destroyed
  [given] DPS: NL-DPS-401002, current · start → register a 0-1, make b 0-1, issue b 0-1, register b 0-1, connect b 0-1, nothing 60 | leaf b, keys ab
a leaf is due when 66 % of its life are over, less up to 5 %, and not before
  [left 10 h, of 24 h] start
  → make b 38-110, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 beside connect a | leaf b, keys b, ended due done
a leaf that has expired while the gateway was off is replaced at once, and DPS is not asked for it
  [due] issuer: NL-EST-UNREACHABLE · start · 1 min · dark for a month · all is well
  → issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 beside connect a | leaf b, all is well
a roll that is promised for later begins within the delay, and not at once
  roll, delayed → make b 1-60, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | ended asked done
a promise is kept, whatever comes in between
  roll, delayed · hub forgets the device
  → connect a, register a 0-1, connect a, make b 1-60, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1 | ended asked done
a promise is not replaced by another one
  roll, delayed · method reprovision, delayed
  → make b 1-60, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | answer busy, answer NL-BUSY
a method waits for a promise of before, and a technician does not: the promise is kept as well
  roll, delayed · method reprovision · reprovision
  → register a 0-1, make b 1-60, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1 | answer accepted, ended asked done
a promise by a clock that has been set back by a day since begins at once
  roll, delayed · clock 25 hours back → make b 0-2, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1
what was registered is not what the configuration says: the leaf is registered again
  another endpoint → register a 0-1, nothing 180 beside connect a | ended configuration done
a configuration that has changed goes before a renewal
  [due] it was registered otherwise · start
  → register a 0-1, make b 0-2, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1 beside connect a | ended due done
a configuration that DPS refuses is asked for again after 5 and 15 minutes, then every hour
  DPS: NL-DPS-DISABLED, all · another endpoint
  → register a 0-1, register a 5-7, register a 15-18, register a 60-70, register a 60-70 beside connect a | online, NL-DPS-DISABLED, ended configuration kept
a new process may have been given a corrected configuration: it asks at once
  DPS: NL-DPS-DISABLED, all · another endpoint · 1 min · all is well · another endpoint
  → register a 0-1, nothing 120 beside connect a | all is well, ended configuration done
the token makes no key, and half of the time is gone: the leaf is renewed with the key that it has
  [half-way to its end] token: makes no key, NL-TOKEN-FAILED · start
  → make b * 0-1, issue a 0-2, register a2 0-1, connect a2 0-1, destroy b 0-1, nothing 60 beside connect a | leaf a2, keys a
before that its ladder goes on, every five minutes
  [due] token: makes no key, NL-TOKEN-FAILED · start
  → make b x20 50-90, make b 3.9-6.2, make b 3.9-6.2 beside connect a | leaf a, person, NL-TOKEN-FAILED
both places are taken, and half of the time is gone: at once
  [half-way to its end] a foreign key in slot b · start
  → make b 0-1, issue a 0-2, register a2 0-1, connect a2 0-1, destroy b, nothing 60 beside connect a | leaf a2, keys ax, ended due done
also where keys are kept and a person has asked for another one
  [half-way to its end, its key is kept] issuer: NL-EST-UNREACHABLE · a foreign key in slot b · start · csr --new-key · all is well
  → make b 0-1, issue a 0-2, register a2 0-1, connect a2 0-1, destroy b beside connect a | leaf a2, keys ax, ended due done
the token signs no CSR: after some minutes another key is tried, then one an hour; the key of the leaf that serves is left alone
  [half-way to its end] token: signs no CSR, NL-TOKEN-FAILED · start
  → make b 0-1, destroy b 2-15, make c 0-1, destroy c 55-75, make d 0-1 beside connect a | person, NL-TOKEN-FAILED, keys ad
the key of its leaf is lost: there is none to renew it with
  [half-way to its end] token: makes no key, NL-TOKEN-FAILED · key of the current leaf is lost · start
  → make b x20 40-90, make b x5 20-30 beside connect a | NL-TOKEN-KEY, NL-TOKEN-FAILED, person
its issuer refuses: the key that the leaf has is of no more use, and another one is tried by the ladder of the issuer
  [half-way to its end] issuer: NL-EST-REFUSED · start
  → make b 0-1, issue b 0-1, issue b 5-6, issue b 15-18, destroy b 60-70, make c 0-1, issue c 0-1, destroy c 60-70 beside connect a | NL-EST-REFUSED, ended due kept
the alarm is raised when the renewal is overdue, and a person is named
  [by a person, due] start → nothing 60 beside connect a | alarm 28day, NL-LEAF-EXPIRING, NL-ISSUER-PERSON, person, exit 4
the alarm of a clock that is ahead is raised with it
  [by a person] clock 400 days ahead · 2 min → nothing 10 | alarm expired, NL-LEAF-EXPIRED, person, online
and taken back with it
  [by a person] clock 400 days ahead · 2 min · clock is right · 2 min → nothing 10 | no alarm, all is well, no person
the leaf that is promoted takes the alarm away
  [due] issuer: NL-EST-UNREACHABLE · start · 5 min · all is well
  → issue b, register b, connect b, destroy a beside connect a | no alarm, all is well, leaf b
`);
