/** The next command, or the person to call. */
export interface Advice {
  readonly advice: string;
  /** In its place where a person brings the leaves: newleaf refuses to roll there. */
  readonly byPerson?: string | undefined;
}

/** Advice to get another leaf. @param say with the command in it @param roll that of an issuer which needs no person */
export const another = (say: (how: string) => string, roll = '`newleaf roll --wait`') => ({
  advice: say(roll),
  byPerson: say('`newleaf csr`, have it signed, then `newleaf install FILE`'),
});

/** The texts of something that has an advice, changed alike. */
export const inBoth = ({ advice, byPerson }: Advice, change = (text: string) => text): Advice => ({
  advice: change(advice),
  ...(byPerson !== undefined && { byPerson: change(byPerson) }),
});

/** One text may be for both. */
export const whole = (given: string | Advice): Advice =>
  typeof given === 'string' ? { advice: given } : inBoth(given);

/** @param automatic the issuer needs no person */
export const adviceByIssuer = (automatic: boolean, { advice, byPerson = advice }: Advice): string =>
  automatic ? advice : byPerson;

/** The same in something that has an advice, which has one text from then on. */
export const advisedFor =
  (automatic: boolean) =>
  <T extends Advice>({ byPerson, advice, ...one }: T) => ({
    ...one,
    advice: adviceByIssuer(automatic, { advice, byPerson }),
  });
