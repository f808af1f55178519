import { ROLL, rowsOf } from '../row.ts';

/** A key is lost: that of the candidate, of the current leaf, of both. */
export const KEYS = rowsOf(`
the key of the candidate is lost before it has a leaf: its place is asked for one once more, and nothing is destroyed
  issuer: NL-EST-UNREACHABLE · roll · 30 s · key of the candidate is lost → make b 0-1, issue b x3 | requesting-leaf, keys ab, not NL-TOKEN-KEY
where that one is lost as well a person is told
  issuer: NL-EST-UNREACHABLE · roll · 30 s · key of the candidate is lost · until make b · until issue b · key of the candidate is lost
  → nothing 4 | NL-TOKEN-KEY, person, ended kept NL-TOKEN-KEY
a person who asks for a CSR meanwhile gets one, and the ladder of the roll goes on
  issuer: NL-EST-UNREACHABLE · roll · 30 s · key of the candidate is lost · until make b · until issue b · key of the candidate is lost · until serving · csr
  → make b 0-1, issue b 4-7 | answer csr, keys ab
a key that is kept is that of the current leaf: the next leaf gets one of its own
  [its key is kept] issuer: NL-EST-UNREACHABLE · roll · 30 s · key of the current leaf is lost → make b 0-1, issue b x3 | keys b
the key of a candidate that waits is lost: it is looked for, as a read may fail, and then made anew
  [individual, due] start · 1 min · key of the candidate is lost
  → register b 3-6, register b 5-7, make b 0-1, issue b 0-1, register b2 0-1 | next b2, leaf a
a person is told while it is looked for, and the current leaf serves
  [individual, due] start · 1 min · key of the candidate is lost
  → register b 3-6, nothing 4 | serving, online, NL-TOKEN-KEY, person, next b
the same while it is proven: DPS trusts the current leaf first
  hub: NL-HUB-CLOSED, candidate · roll · until connecting-next · key of the candidate is lost
  → register a 0-1, make b 0-1, issue b 0-1, register b2 0-1 beside connect b | leaf a, keys ab, next b2
without a session it is looked for once more, as nothing proves that the token works
  [individual, due] start · 1 min · key of the candidate is lost · hub: NL-HUB-UNREACHABLE, all · link drops
  → register b 3-6, register b 5-7, register b 5-40, make b 0-1 beside connect a, register a
a technician who rolls gets another key at once
  [individual, due] start · 1 min · key of the candidate is lost · until register b · roll
  → make b 0-1, issue b 0-1, register b2 0-1 | next b2
a refusal by the hub meanwhile leads back to the current leaf
  [individual, due] start · 1 min · key of the candidate is lost · DPS: answers after 130 s · until registering-next · hub forgets the device · over: DPS: answers after 130 s
  → register b 0-3, register a 0-1, register b 5-18 beside connect a | leaf a, online
the first leaf of a gateway loses its key: the key is made anew, and gets another leaf
  [new, individual] start · 1 min · key of the candidate is lost
  → register a 3-6, register a 5-7, make a 0-2, issue a 0-1, register a2 0-1 | unprovisioned, next a2
the key of the current leaf is lost: it is looked for twenty times, which takes a quarter of an hour; then a roll
  key of the current leaf is lost · link drops → connect a x20 12-18, ${ROLL}, nothing 60 | leaf b, keys b, online, ended key-lost done
while its session is open nothing is asked: the token has only failed to show it, or it is not needed
  key of the current leaf is lost → nothing 180 | online, serving
only persons bring leaves: a person is called, and nothing else is asked
  [by a person] key of the current leaf is lost · link drops → nothing 120 beside connect a | offline, NL-TOKEN-KEY, NL-ISSUER-PERSON, person, exit 4
a candidate waits with a key of its own: that one is the way
  [individual, due] start · 1 min · key of the current leaf is lost · link drops
  → register b 3-6, register b 14-18, register b 60-70 beside connect a | NL-TOKEN-KEY, person, next b
both keys are lost: a roll follows, with a key of its own
  [individual, due] start · 1 min · key of the current leaf is lost · key of the candidate is lost · link drops
  → register b 3-6, register b 5-7, register b 5-18, make b 0-2, issue b 0-1, register b2 0-1 beside connect a
a registration that needs it ends, and a roll follows when its key has been looked for
  key of the current leaf is lost · link drops · reprovision
  → register a 0-1, make b 12-18, issue b, register b, connect b beside connect a | leaf b, ended key-lost done
the roll that is advised works at once
  key of the current leaf is lost · link drops · reprovision · 10 s · roll
  → make b 0-1, issue b 0-1, register b 0-1, connect b 0-1 beside connect a | leaf b
the hub refuses the leaf as well: one roll follows at once
  DPS: answers after 130 s · hub forgets the device · 10 s · key of the current leaf is lost · until register a · over: DPS: answers after 130 s
  → make b 0-1, issue b 0-1, register b 0-1, connect b 0-1, nothing 60 beside connect a, destroy a | leaf b, ended key-lost done
there is no way back to it: the candidate is kept, and asked for
  hub: NL-HUB-REJECTED, candidate · roll · 3 min · DPS: answers after 130 s · until abandoning · hub: NL-HUB-REJECTED, all · link drops · key of the current leaf is lost
  → register a 0-3, register b 4-10 beside connect a | keys b, next b, NL-TOKEN-KEY
the token signs no handshake of the current leaf: a key that cannot sign is a lost key, whatever the code
  token: no handshake, current · link drops → make b 12-18, issue b 0-1, register b 0-1, connect b 0-1 beside connect a | leaf b, online
the file of the key is damaged, so that each signature ends the process: a new process each five minutes, and then a roll
  the key of the current leaf is damaged · link drops
  → restart 0-1, restart 5-7, make b 4-9, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1 beside connect a | leaf b, online, all is well
the same while no hub takes the leaf, and DPS is not reached with it: three attempts, each confirmed by a new process
  DPS: NL-DPS-THROTTLED, all · hub forgets the device · until register a · the key of the current leaf is damaged · 2 min · all is well
  → register a 4-7, register a 14-18, make b 0-1, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1 | leaf b, online, all is well
the key of a candidate signs nothing: another key, twice at once, and then by the hour
  token: no handshake, candidate · roll
  → make b, issue b, register b x6 5-15, destroy b 0-1, make c 0-1, issue c, register c x6 5-15, destroy c 0-1, make d 0-1, issue d, register d x6 5-15, destroy d 40-70 | leaf a, online
the key of the current leaf is lost while its session is open: one roll replaces it, and the session stays until then
  key of the current leaf is lost · roll → make b 0-1, issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b, keys b, all is well
a state from before two rolls was put back: newleaf goes on with the newer leaf whose key the token has
  state copied · roll · 1 min · roll · 1 min · older state put back → connect a 0-1, connect c 0-1, destroy a 0-1, nothing 60 | leaf c, keys c, online, all is well
and the next roll is one as ever
  state copied · roll · 1 min · roll · 1 min · older state put back · 2 min · roll
  → make d 0-1, issue d 0-1, register d 0-1, connect d 0-1, destroy c 0-1, nothing 60 | leaf d, keys d, all is well
the hour after two cures bounds no renewal: a leaf of which half an hour is left is replaced while it serves
  [of 1 h] the key of the current leaf is damaged · link drops · until connect b · 1 min · the key of the current leaf is damaged · link drops · until connect c · 1 min
  → make d 30-45, issue d 0-1, register d 0-1, connect d 0-1 beside destroy c | leaf d, online
such a leaf is proven first: a token that fails to show the current key for some seconds costs nothing, and DPS trusts this leaf again
  [individual] token: destroys no key · state copied · roll · 10 s · operator enrolls the candidate · reprovision · 1 min · current leaf taken out · older state put back · 1 min · token: does not show the current key · link drops · 2 s · all is well
  → connect a 0-1, register a 0-1, destroy b 0-1 | leaf a, keys a, online
and the key before it keeps no place for ever: the token shows it again after that leaf has served
  token: destroys no key · state copied · roll · 1 min · older state put back · 1 min · token: does not show the current key · link drops · until connect b · until connect b · all is well
  → destroy a 0-2, nothing 60 beside connect b | leaf b, keys b, all is well
a registration that the token cannot sign makes room for a roll
  token: no handshake, current · link drops · reprovision · 10 s · roll
  → make b 0-1, issue b 0-1, register b 0-1, connect b 0-1 beside connect a | leaf b, online
also one that was in flight before a power cut
  token: no handshake, current · link drops · reprovision · 10 s · power cut · 10 s · roll
  → make b 0-1, issue b 0-1, register b 0-1, connect b 0-1 beside connect a | leaf b, online
a kept key that signs nothing for its next leaf: that one gets another key
  [its key is kept, due] token: no handshake, candidate · start
  → issue a 0-1, register a2 x6 5-15, make b 0-1, issue b 0-1, register b x6 5-15, destroy b 0-1, make c 0-1 beside connect a | online, leaf a
a token that loses each key makes one an hour in the end, and not one after the other
  token: signs no CSR, NL-TOKEN-KEY · roll · 4 h → make b 0-70, make b 60-70, make b 60-70 | person, NL-TOKEN-KEY, online
`);
