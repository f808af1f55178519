import { ROLL, rowsOf } from '../row.ts';

/** What a back end out of control may cost, and whom it does not hold back: ten requests at once, then one in three minutes. */
export const BUDGET = rowsOf(`
a method costs one: the eleventh in a row is told to wait
  ten methods · 2 min · method reprovision → nothing 60 | answer later, answer NL-BUDGET
one is earned back in three minutes
  ten methods · 2 min · 3 min · method reprovision → register a 0-1, nothing 60 | answer accepted, ended asked done
and after three minutes only one: the next is told to wait
  ten methods · 2 min · 3 min · method reprovision · 30 s · method reprovision → nothing 60 | answer later
within two hours no more than the burst is earned back
  ten methods · 2 min · 2 h · ten methods · 2 min · method reprovision → nothing 60 | answer later
a request that is to begin later costs one at once
  ten methods · 2 min · method reprovision, delayed → nothing 90 | answer later
what was charged when it was accepted is not charged again
  method reprovision, delayed · 1 h · 1 h · ten methods · 95 s → nothing 10 | answer accepted, ended asked done
a technician is outside of it
  ten methods · 2 min · reprovision → register a 0-1, nothing 60 | answer accepted, ended asked done
the answer to a refusal by the hub does not wait for it: no back end that is out of control keeps the gateway offline
  ten methods · 2 min · hub forgets the device → connect a * 0-2, register a 0-1, connect a 0-1, nothing 60 | online, ended rejected done
what the configuration changed does not wait for it
  ten methods · 2 min · another endpoint → register a 0-1, nothing 60 beside connect a | ended configuration done
a renewal by age is outside of it
  ten methods · 2 min · clock 400 days ahead → make b 0-2, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1 | ended due done
a rung of a ladder is outside of it
  [individual, due] start · 4 min · ten methods · 95 s → register b 60-70, nothing 10 beside connect a | person
a leaf that a method brings waits for it
  [individual] ten methods · 2 min · install by method, not enrolled → make b 0-1, nothing 60 | answer later, answer NL-BUDGET
one that a technician brings does not
  [individual] ten methods · 2 min · csr and install → make b 0-1, register b 0-1, connect b 0-1, destroy a 0-1 | leaf b
a CSR of another key by a method costs one: the key before makes room
  [by a person] csr · 1 min · csr --new-key by method → destroy b 0-1, make c 0-1, nothing 60 | answer csr, keys ac, NL-ISSUER-PERSON, exit 4
without a budget it is not given
  [by a person] csr · 1 min · ten methods · 2 min · csr --new-key by method → nothing 60 | answer later, keys ab
a technician does not pay for it
  [by a person] csr · 1 min · ten methods · 2 min · csr --new-key → destroy b 0-1, make c 0-1, nothing 60 | answer csr, keys ac
the first key costs nothing, nor does a CSR of the key that is there
  [by a person] ten methods · 2 min · csr by method · 1 min · csr by method → nothing 60 | answer csr, keys ab
what a clock has spent that was far ahead is forgotten once it is set right
  ten methods · 2 min · clock 2 hours back · method reprovision → register a 0-1, nothing 60 | answer accepted
what NTP corrects in passing is no such thing
  ten methods · 2 min · clock 30 s back · method reprovision → nothing 60 | answer later
a method asks for a roll too soon after the last one
  roll · 15 s · method roll → nothing 60 | answer later, answer NL-BUDGET, leaf b
when the interval between rolls is over, it gets it
  roll · 40 s · method roll → make c 0-1, issue c 0-1, register c 0-1, connect c 0-1, destroy b 0-1 | leaf c, keys c
the interval between rolls does not hold back a leaf that is due
  roll · 15 s · clock 400 days ahead → make c 0-2, issue c 0-1, register c 0-1, connect c 0-1, destroy b 0-1 beside connect b | leaf c, ended due done
a technician need not wait for the interval
  roll · 15 s · roll → make c 0-1, issue c 0-1, register c 0-1, connect c 0-1, destroy b 0-1
a registration is no roll
  roll · 15 s · method reprovision → register b 0-1, nothing 60 | answer accepted
a roll in the future was before the clock was set back
  roll · 15 s · clock 2 hours back · method roll → make c 0-1, issue c 0-1, register c 0-1, connect c 0-1, destroy b 0-1
the first provisioning replaces no leaf: no roll has to wait for its interval
  [new] start · until online · method roll → ${ROLL} | answer accepted
`);
