import { ROLL, rowsOf } from '../row.ts';

/** What people bring, and the CSR that they take with them. */
export const PEOPLE = rowsOf(`
a leaf that a person brings for the CSR is rolled to
  [by a person, individual] csr and install
  → make b 0-1, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b, keys b, all is well, ended delivered done
also beside an issuer that needs no person
  csr and install → make b 0-1, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b, ended delivered done
it serves the roll that waits for its issuer
  issuer: NL-EST-UNREACHABLE · roll · 10 s · csr and install → register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b, ended asked done
in the middle of other work the person is told to wait, and asks again
  csr · 1 min · DPS: answers after 130 s · reprovision · csr and install
  → register a 1-3, register b 2-5, connect b 0-1, destroy a 0-1 | leaf b, ended delivered done
in the middle of other work a leaf is taken, and sent after it
  csr · 1 min · DPS: answers after 130 s · reprovision · install, not enrolled → register a 1-3, register b 1-3, connect b 0-1, destroy a 0-1 | leaf b, ended delivered done
beside a candidate that waits no other CSR is given
  [individual, due] start · 1 min · csr → register b 3-6 | answer busy, next b
by a clock that is not credible it is taken as well
  [by a person, individual] clock in 1970 · csr and install → make b 0-1, register b 0-1, connect b 0-1
the leaf that serves is not delivered once more
  [by a person] the current leaf is installed → nothing 60 | leaf a, keys a, online
a key that is kept: a CSR for the current key, whose leaf is proven, and no key is destroyed
  [its key is kept, by a person] csr and install → register a2 0-1, connect a2 0-1, nothing 60 | leaf a2, keys a, ended delivered done
a key that is kept: a roll asks for another leaf of it, and no key is made or destroyed
  [its key is kept] roll → issue a 0-1, register a2 0-1, connect a2 0-1, nothing 60 | leaf a2, keys a
a key that is kept is not destroyed where the hub refuses its next leaf
  [its key is kept] hub: NL-HUB-REJECTED, candidate · roll
  → issue a, register a2, connect a2 x10 3-6, register a 0-1, register a2 4-7, connect a2 x10 3-6, register a 0-1, nothing 10 | leaf a, keys a, online, ended kept NL-HUB-REJECTED
a CSR for the key of the current leaf, and leaf.rotate_key is changed: a roll makes another key
  [its key is kept] csr · 1 min · rotate_key changed · 20 s · roll → ${ROLL}, nothing 60 | leaf b, keys b
leaf.rotate_key is changed while the token makes no key: the current key gets the next leaf, and the other one is destroyed after it
  token: makes no key, NL-TOKEN-FAILED · csr · 10 s · rotate_key changed · 20 s · roll
  → issue a 0-1, register a2 0-1, connect a2 0-1, destroy b 0-1, nothing 60 beside connect a | leaf a2, keys a
a technician asks a stranded gateway for a CSR: its key is made at once, and DPS is not asked for it
  [by a person] DPS: NL-DPS-401002, all · hub forgets the device · until stranded · csr
  → make b 0-1, register a 60-70 | stranded, person, answer csr, NL-ISSUER-PERSON
and brings the leaf: it serves
  [by a person] DPS: NL-DPS-401002, all · hub forgets the device · until stranded · all is well · csr and install
  → make b 0-1, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | serving, leaf b, all is well
the token makes no key there: DPS is asked in between, and who asks next is served at once
  [by a person] DPS: NL-DPS-401002, all · hub forgets the device · until stranded · token: makes no key, NL-TOKEN-FAILED · csr · 90 min · over: token: makes no key, NL-TOKEN-FAILED · csr
  → make b 0-1, register a 30-70 | answer csr, stranded
also where the place must be cleared first
  [by a person] token: destroys no key · csr and install · 1 h · DPS: NL-DPS-401002, all · hub forgets the device · until stranded · over: token: destroys no key · csr
  → destroy a 0-1, make c 0-1, register b 30-70 | answer csr, stranded, keys bc
a key that is only there for the next roll strands no gateway
  csr · 1 min · hub: NL-HUB-UNREACHABLE, all · link drops → register a 14-36 beside connect a | serving, no person, NL-HUB-UNREACHABLE
the same CSR until its leaf comes: asked twice, one key
  [by a person] csr · 10 s · csr → nothing 60 | answer csr, keys ab
a roll takes the key of a CSR that is out
  csr · 10 s · roll → issue b 0-1, register b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b, keys b
a newer leaf for the key of a candidate that waits takes its place
  [individual, by a person] install, not enrolled · 1 min · another leaf for the key of the candidate
  → register b2 0-1, connect b2 0-1, destroy a 0-1, nothing 60 | leaf b2, keys b, ended delivered done
a leaf for the current key, while a CSR for another is out: the key of the CSR, which DPS never heard of, goes
  csr · 10 s · another leaf for the current key → register a2 0-1, connect a2 0-1, destroy b 0-1, nothing 60 | leaf a2, keys a
a leaf for the current key, while a candidate waits that DPS trusts no more: it is taken, and the key of the candidate goes
  hub: NL-HUB-CLOSED, candidate · csr and install · until connecting-next · hub forgets the device · until register a · 5 s · another leaf for the current key
  → register a2 0-1, destroy b 0-1, nothing 4 beside connect a2, connect b | keys a, leaf a, next a2
what an issuer says late to a roll that a person has served changes nothing
  issuer: takes nine minutes, and hears no abort · roll · 1 min · csr and install
  → register b 0-1, connect b 0-1, destroy a 0-1, issue b 6-9, nothing 60 | leaf b, keys b, all is well
a new gateway is asked for its first CSR: its key is made, and it waits for the leaf
  [new, by a person] start · csr → make a 0-1, nothing 60 | answer csr, unprovisioned, NL-ISSUER-PERSON, exit 4
a leaf for the current key serves a roll that waits for its issuer: the key of the roll goes
  issuer: NL-EST-UNREACHABLE · roll · 10 s · another leaf for the current key
  → register a2 0-1, connect a2 0-1, destroy b 0-1, nothing 60 | leaf a2, keys a, ended asked done
a leaf for the current key, brought to a stranded gateway
  [by a person] DPS: NL-DPS-401002, all · hub forgets the device · until stranded · all is well · csr · 10 s · another leaf for the current key
  → register a2 0-1, connect a2 0-1, destroy b 0-1, nothing 60 | serving, online, leaf a2, keys a, all is well
a factory key that is kept gets another leaf, and is not destroyed
  [given, by a person, its key is kept] start · until online · 1 min · csr and install
  → register a2 0-1, connect a2 0-1, nothing 60 | leaf a2, a in slot given
`);
