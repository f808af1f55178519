/** The roll that an automatic issuer needs. */
const ROLL = /`(?:sudo )?newleaf roll(?: --wait)?`/g;

/**
 * Advice names the roll that gets another leaf. Where a person brings the leaves, newleaf refuses to roll by itself: there the
 * same text has what brings one.
 */
export const byPerson = (advice: string): string =>
  advice.replace(ROLL, '`newleaf csr`, have it signed, then `newleaf install FILE`');

/** @param automatic the issuer needs no person */
export const advisedFor =
  (automatic: boolean) =>
  <T extends { readonly advice: string }>(one: T): T =>
    automatic ? one : { ...one, advice: byPerson(one.advice) };
