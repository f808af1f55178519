import { objectionTo } from '../../config/draft.ts';
import { halvesAmong } from '../../config/rules.ts';
import { Fault } from '../../failure/failure.ts';
import { type Guide, wrongFlag } from './guide.ts';
import { optionOf, SETTINGS } from './settings.ts';
import { TOKEN_KINDS } from './token-flags.ts';

/** Judges the values of all options that need only be read, before a file is copied or a server is dialled. @throws Fault NL-CONFIG */
export function judgeFlags({ flag }: Pick<Guide, 'flag'>): void {
  const kind = flag('new-token');
  if (kind !== undefined && !TOKEN_KINDS.some((one) => one === kind))
    throw wrongFlag('new-token', `must be one of ${TOKEN_KINDS.join(', ')}`);
  for (const { flag: option, name, file, form } of Object.values(SETTINGS)) {
    const given = file === undefined && form === undefined ? flag(option) : undefined;
    const wrong = given === undefined ? undefined : objectionTo(name, given);
    if (wrong !== undefined) throw wrongFlag(option, wrong);
  }
}

/**
 * Demands that nothing is answered by half: the configuration would be refused after a token was made for it.
 * @param hasAnswer whether a setting has an answer besides the options
 * @throws Fault NL-CONFIG that names the options
 */
export function demandWhole({ flag }: Pick<Guide, 'flag'>, hasAnswer: (setting: string) => boolean): void {
  const isGiven = (setting: string) => flag(optionOf(setting) ?? '') !== undefined;
  const halves = [...halvesAmong((setting) => isGiven(setting) || hasAnswer(setting))];
  if (halves.length === 0) return;
  const option = (setting: string) => `--${optionOf(setting) ?? setting}`;
  const sentences = halves.map(
    ([key, missing]) => `${isGiven(key) ? option(key) : key} needs ${missing.map(option).join(' and ')}.`,
  );
  const advice = 'Add what is missing, or leave out what needs it. See: `newleaf init --help`';
  throw new Fault('NL-CONFIG', { message: sentences.join(' '), advice });
}
