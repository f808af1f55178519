import { rowsOf } from '../row.ts';

/** A roll and its issuer: no answer, a refusal, a leaf of no use; and what the gateway does meanwhile. */
export const ISSUER = rowsOf(`
an issuer that does not answer is asked by a ladder of its own, up to a quarter of an hour
  issuer: NL-EST-UNREACHABLE · roll · 1 h
  → issue b 0-19, issue b 11-19, issue b 11-19, issue b 11-19 | requesting-leaf, online, no person, NL-EST-UNREACHABLE
one that asks for an hour gets it
  issuer: NL-EST-WAIT, retry after 1 h · roll → make b, issue b 0-1, issue b 60-80
but no more than half of what is left of the leaf
  [left 40 min] issuer: NL-EST-WAIT, retry after 1 h · start → make b, issue b 0-1, issue b 18-21, issue b 8-11 beside connect a
where no leaf serves an hour is the longest pause, whatever a server asked for: a new gateway
  [new] issuer: NL-CMD-WAIT, retry after a day · start → make a, issue a 0-1, issue a 45-65, issue a 45-65
where no leaf serves an hour is the longest pause, whatever a server asked for: a leaf that has expired
  [left 10 min] issuer: NL-CMD-WAIT, retry after a day · start · 11 min → issue b 0-65, issue b 45-65 beside connect a | NL-LEAF-EXPIRED
where no leaf serves an hour is the longest pause, whatever a server asked for: DPS
  DPS: NL-DPS-THROTTLED, all, retry after a day · hub forgets the device → register a 0-1, register a 45-65, register a 45-65 beside connect a | NL-DPS-THROTTLED, pause named
one that refuses ends the roll for its asker, and is asked again after 5 and 15 minutes, then hourly; not a fourth time with the same key
  issuer: NL-EST-REFUSED · roll
  → make b, issue b 0-1, issue b 5-7, issue b 14-18, destroy b 60-70, make c 0-1, issue c 0-1 | serving, online, person, NL-EST-REFUSED, keys ac, ended kept NL-EST-REFUSED
one that refuses whoever asks refuses each key: no other is made
  issuer: NL-EST-AUTH · roll → make b, issue b 0-1, issue b 5-7, issue b 14-18, issue b 60-70 | serving, online, person, NL-EST-AUTH, keys ab
a leaf that is no good is a refusal
  issuer: gives NL-LEAF-CN · roll → make b, issue b 0-1, issue b 5-7, issue b 14-18, destroy b 60-70, make c 0-1, issue c 0-1 | serving, person, NL-LEAF-CN
a leaf that begins later is waited for, and judged again
  issuer: its clock is days ahead · roll → make b, issue b 0-1, issue b 60-70 | requesting-leaf, NL-LEAF-NOT-YET
a key that it does not sign again makes room for another, at once and then by the ladder
  issuer: NL-ISSUER-NEW-KEY · roll
  → make b, issue b, destroy b 0-1, make c 0-1, issue c 0-1, destroy c 14-18, make d 0-1, issue d 0-1, destroy d 60-70 | NL-ISSUER-NEW-KEY
but the key of the current leaf is not given up for that
  [its key is kept] issuer: NL-ISSUER-NEW-KEY · roll → issue a 0-1, issue a 5-7, issue a 14-18, issue a 60-70 | keys a, leaf a, NL-ISSUER-NEW-KEY
a CA that gives the current leaf once more is asked again by the ladder, and the current leaf goes on
  [its key is kept] issuer: gives NL-LEAF-SAME · roll → issue a 0-1, issue a 5-7, issue a 14-18 | online, ended kept NL-LEAF-SAME
where it has another by then, the roll goes through
  [its key is kept] issuer: gives NL-LEAF-SAME · roll · 1 min · all is well
  → issue a 3-7, register a3 0-1, connect a3 0-1, nothing 60 | leaf a3, all is well
an issuer that refuses a dying leaf is asked until the end
  [left 30 min] issuer: NL-EST-REFUSED · start
  → make b, issue b 0-1, issue b 4-7, issue b 8-14, destroy b 3-7, make c 0-1, issue c 0-1, destroy c 1-4 beside connect a
a renewal that the hub refused is kept, and tried again after 5 and 15 minutes
  [due] hub: NL-HUB-REJECTED, candidate · start · until register a
  → register b 4-7, connect b x10 3-6, register a 0-1, register b 14-18 beside connect a | online, leaf a, ended due kept, keys ab
a technician does not wait for that
  [due] hub: NL-HUB-REJECTED, candidate · start · until register a · 10 s · all is well · roll
  → register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b
the pause is at most half of what is left of the leaf
  [left 12 min] hub: NL-HUB-REJECTED, candidate · start · until register a → register b 2-4 beside connect a
the hub refuses the current leaf while a roll waits: DPS is asked for that one by the hour, and the roll goes on
  DPS: NL-DPS-401002, current · issuer: NL-EST-UNREACHABLE · hub forgets the device
  → connect a, register a 0-1, make b, register a 60-70 beside issue b | requesting-leaf, offline, keys ab
DPS and hub take it: no other leaf is needed, and its key waits for the next roll
  DPS: NL-DPS-401002, current · issuer: NL-EST-UNREACHABLE · hub forgets the device · 1 min · over: DPS: NL-DPS-401002, current
  → register a 30-70, connect a 0-1, nothing 120 beside issue b | serving, online, keys ab, all is well
the issuer refuses, and so do DPS and the hub: stranded, and both are asked by their ladders
  DPS: NL-DPS-401002, current · issuer: NL-EST-REFUSED · hub forgets the device
  → connect a, register a 0-1, make b, issue b 0-1, issue b 5-6, issue b 15-18, register a 30-50 | stranded, person, NL-EST-REFUSED, keys ab
a roll that begins with what the issuer gave before a power cut does not ask twice
  roll · until issue b · power cut → register b * 0-2, connect b 0-1, destroy a 0-1, nothing 60 beside connect a | leaf b, keys b
a token that fails in between does not begin the ladder of the issuer anew
  [new] issuer: NL-CMD-FAILED · start · 20 min · token: signs no CSR, NL-TOKEN-MISSING · 30 min · over: token: signs no CSR, NL-TOKEN-MISSING
  → issue a 0-20, issue a 11-19, issue a 11-19 | NL-CMD-FAILED, offline
`);
