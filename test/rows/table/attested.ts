import { rowsOf } from '../row.ts';

/** Where the hub trusts a CA, as Azure issues the leaves: DPS never sees a leaf, and a new one is the only cure. */
export const AZURE = rowsOf(`
a roll asks the hub for a leaf, and no registration is needed
  [Azure] roll → make b 0-1, issue b 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b, keys b, ended asked done
the first leaf comes with the registration
  [Azure, new] start → make a 0-1, issue a 0-1, register 0-1, connect a 0-1, nothing 60 | online, leaf a
the hub refuses the current leaf: DPS says which hub first, and then one roll cures it
  [Azure] the device is revoked, and its session ends
  → connect a, register 0-1, connect a x10 3-6, make b 0-1, issue b 0-1, register 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b, ended rejected done, all is well
the CA is replaced: the same
  [Azure] the CA is replaced, and the session ends
  → connect a, register 0-1, connect a x10 3-6, make b 0-1, issue b 0-1, register 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b, all is well
the hub refuses that one for good as well: a person is called, and its key gets another after 5 and 15 minutes; then another key, by the hour
  [Azure] the device is disabled
  → connect a, register 0-1, connect a x10 3-6, make b, issue b, register, connect b x10 3-6, issue b 5-7, register, connect b2 x10, issue b 14-19, register, connect b3 x10, register, connect a x10, destroy b, make c 0-1, issue c 0-1 | offline, NL-HUB-REJECTED, keys ac
the device is enabled again: the next question to DPS serves
  [Azure] the device is disabled · 70 min · the device is enabled
  → register 0-70, connect a 0-1, nothing 60 | leaf a, all is well
the hub refuses the next leaf alone: its key gets another by the ladder; the session stays
  [Azure] hub: NL-HUB-REJECTED, candidate · roll
  → make b, issue b, connect b x10 3-6, issue b 4-7, register, connect b2 x10 3-6, issue b 14-18 | leaf a, online, ended kept NL-HUB-REJECTED
a hub that lags accepts the next leaf within its grace
  [Azure] hub: NL-HUB-REJECTED, candidate · roll · 1 min · all is well → connect b 0-2, destroy a 0-1, nothing 60 | leaf b
DPS refuses the onboarding identity: no roll cures that, a person is called, and DPS is asked once an hour
  [Azure] DPS: NL-DPS-401002, all · the device is revoked, and its session ends
  → connect a, register 0-1, nothing 59 | stranded, person, NL-DPS-401002, keys a
stranded, the next question is whether DPS takes the onboarding identity again: then another leaf follows
  [Azure] DPS: NL-DPS-401002, all · the device is revoked, and its session ends · 10 min · all is well
  → register 0-65, connect a x10 3-6, make b 0-1, issue b 0-1, register 0-1, connect b 0-1, destroy a 0-1, nothing 60 | leaf b, all is well
a leaf is revoked while its next key waits for the issuer: the issuer is asked for that key when the hub has had its time
  [Azure] hub: refuses the request, 400040 · roll · 1 min · the device is revoked, and its session ends
  → connect a, register 0-1, connect a x10 3-6, issue b 0-20, register 0-1, connect b 0-1, destroy a 0-1 | leaf b
no hub answers: DPS is asked where the gateway belongs, and no leaf is asked for
  [Azure] hub: NL-HUB-UNREACHABLE, all · link drops
  → register 14-36, register 54-76, register 54-76 beside connect a | leaf a, keys a, NL-HUB-UNREACHABLE
the hub is gone: DPS names another, and the leaf serves there
  [Azure] hub1 is gone → connect a *, register 0-1, connect a hub2 0-1, nothing 60 | online, leaf a
the hub accepts each new leaf, and refuses it a moment later: two of them within an hour, and then the hour is waited for
  [Azure] hub: NL-HUB-REJECTED, current · hub: ends each session after 5 s
  → make b 3-8, destroy a 0-1, make c 4-12, destroy b 0-1, make d 60-85 beside connect a, connect b, connect c, issue b, issue c, register
the policy is deleted: the issuer is asked by the ladder, and the current leaf goes on
  [Azure] hub: knows no renewal · the policy is deleted · roll
  → make b, issue b 0-1, register 0-1, issue b 5-7, register 0-1, issue b 14-18, register 0-1, issue b 60-70, register 0-1 | online, leaf a, keys ab, ended kept NL-AZURE-POLICY
`);

/** A gateway that attests by its TPM: it has no leaf, and each registration brings it another key. */
export const TPM = rowsOf(`
by its TPM: it begins with a registration, and is through when the hub takes the key
  [TPM] start → register a 0-1, connect a 0-1, nothing 120 | serving, online, no person, exit 0, ended given-key done
by its TPM: a roll is a registration, and another key is another session
  [TPM] start · until online · 1 min · roll → register a 0-1, connect a 0-1, nothing 60 | online, ended asked done
by its TPM: a roll is not held back by the one before
  [TPM] start · until online · 1 min · method roll · 10 s · method roll → register a 0-1, connect a 0-1, nothing 60 | answer accepted
by its TPM: the hub refuses its key: it registers again
  [TPM] start · until online · 1 min · hub forgets the device → connect a, register a 0-1, connect a 0-1, nothing 60 | online, ended rejected done
by its TPM: the TPM is without its key: the same
  [TPM] start · until online · 1 min · hub: NL-TPM-KEY, all · link drops · until register a · all is well
  → connect a 0-1, nothing 60 | online, ended rejected done
by its TPM: a hub that lags DPS is given its grace, and DPS is not asked for key after key
  [TPM] start · until online · 1 min · hub: NL-HUB-REJECTED, all · link drops
  → connect a, register a 0-1, connect a x10 3-6, register a 0-1, connect a x10 3-15, register a 60-70 | NL-HUB-REJECTED
by its TPM: DPS refuses it, and the hub does not: nothing follows
  [TPM] start · until online · 1 min · DPS: NL-DPS-404201, all · reprovision
  → register a 0-1, nothing 120 | serving, online, all is well, ended kept NL-DPS-404201
by its TPM: before its enrollment it asks again after 5 and 15 minutes, then every hour
  [TPM] DPS: NL-DPS-404201, all · start
  → register a 0-1, register a 5-6, register a 15-18, register a 60-70, register a 60-70 | stranded, person, NL-DPS-404201
by its TPM: one that served before, and that both refuse, asks once an hour
  [TPM] start · until online · 1 min · DPS: NL-DPS-404201, all · hub forgets the device
  → connect a, register a 0-1, register a 60-70, register a 60-70 | stranded, person, NL-DPS-404201
by its TPM: nothing is ever due, and no alarm rings
  [TPM] start · until online · 1 min · clock 400 days ahead · 2 min → nothing 120 | no alarm, all is well
`);
