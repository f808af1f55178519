import { draftConfig } from '../../config/config.ts';
import type { Written } from '../../config/schema.ts';
import { areaOf, CODES, type Code, type Failure, Fault, failure } from '../../failure/failure.ts';
import { examine } from '../checks/examine.ts';
import { CHECKS } from '../checks/list.ts';
import { Misuse } from '../kit/command.ts';
import { siteHere } from '../proof/site-here.ts';
import { onBack, toNo } from './dialogue.ts';
import { askInOrder, type Guide, type Question } from './guide.ts';
import { type Option, SETTINGS } from './settings.ts';

/**
 * Proves answers by checks, in the words of `newleaf check`, and without their needs: what was proven just now is not asked again.
 * @param ids in the order of the list; the first that fails is told
 * @returns with the failure, where something is wrong
 */
export async function prove(
  guide: Pick<Guide, 'answers' | 'copies' | 'dialogue' | 'file' | 'env'>,
  ids: readonly string[],
  doing: string,
  draft: ReadonlyMap<string, Written> = guide.answers,
) {
  const { answers, dialogue, file, env } = guide;
  const config = async () => draftConfig(draft, file);
  const here = siteHere({ config, file, env, now: Date.now() });
  const site: typeof here = {
    ...here,
    // The token is chosen last: an answer is proven without the leaf that may be in it.
    entry: async () => 'absent',
    // No file is named yet: then only the CAs that node knows vouch for a server.
    authorities: async (setting, path) => (path === undefined ? '' : here.authorities(setting, path)),
  };
  const first = async () => {
    let message = '';
    const checks = CHECKS.filter(({ id }) => ids.includes(id));
    for await (const found of examine(checks, site)) {
      const { outcome, code = 'NL-CLOCK', change, advice = CODES[code].advice } = found;
      message = inTheirWords(guide, found.message);
      // Skipped is what cannot be judged while the clock is wrong.
      if (outcome !== 'failed' && outcome !== 'skipped') continue;
      // Nothing runs yet that could be started again.
      const help = change ?? (advice === CODES['NL-CONFIG'].advice ? 'Correct it, or name another.' : advice);
      const met = failure(code, { message, advice: inTheirWords(guide, help) });
      const asked = areaOf(met) === 'EST' ? 'issuer-auth' : 'dps-reach';
      return { message, failure: otherwise(answers, met, dialogue.asks && ids.includes(asked)) };
    }
    return { message, failure: undefined };
  };
  return dialogue.during(doing, first()).finally(() => site.close());
}

export interface Blame {
  /** The setting that may be wrong: at Ctrl-C, while the person decides, its answer before is kept. */
  readonly setting?: string;
  /** By default the one with which this run began. */
  readonly before?: Written | undefined;
  /** Asked first: whether there is another answer. @throws Back */
  readonly offer?: () => Promise<boolean>;
  readonly again: readonly Question[];
}

/**
 * Tries answers until they hold, or the person goes on all the same. `back`, as no, leads to the questions that they are about.
 * @param options that they may have come from
 * @returns whether they hold
 * @throws Fault, Misuse where there is no person
 */
export async function untilProven(
  guide: Guide,
  options: readonly Option[],
  met: () => Promise<Failure | undefined>,
  blame: (failure: Failure) => Blame,
): Promise<boolean> {
  const { answers, dialogue, flags } = guide;
  for (;;) {
    const failure = await met();
    if (failure === undefined) return true;
    if (!dialogue.asks) throw wrongOptions(failure);
    flags.forget(...options);
    const { setting = '', before = answers.before(setting), offer, again } = blame(failure);
    const tell = (what: Failure) => {
      dialogue.wrong(what);
      const answer = answers.get(setting);
      answers.set(setting, before);
      return answer;
    };
    let failed = tell(failure);
    const offered = await offer?.().catch(onBack(() => 'back' as const));
    if (offered === true) {
      const still = await met();
      if (still === undefined) return true;
      failed = tell(still);
    }
    const isTaken = offered !== 'back' && (await dialogue.confirm('Go on all the same?', false).catch(toNo));
    if (isTaken) answers.set(setting, failed);
    if (isTaken) return false;
    await askInOrder(guide, again);
  }
}

/** A server that has answered, and said no: the options are wrong. Where there was no answer, they may be right. */
function wrongOptions(failure: Failure): Error {
  const { kind, code, message, advice, cause } = failure;
  if (kind !== 'refused') return new Fault(code, failure);
  return new Misuse(`${code} ${message}${cause === undefined ? '' : ` (${cause})`}`, { advice });
}

/**
 * The person knows the file that was named, and not its copy, which goes when it does not work; the question or the option,
 * and not the setting.
 */
function inTheirWords({ copies, dialogue }: Pick<Guide, 'copies' | 'dialogue'>, text: string): string {
  const known = [...copies].reduce((said, [path, origin]) => said.replaceAll(path, origin), text);
  return Object.values(SETTINGS).reduce((said, { name, flag, words, file }) => {
    if (dialogue.asks && file !== undefined) return said;
    const setting = new RegExp(`\\b${name.replaceAll('.', '\\.')}\\b(?! =)`, 'g');
    return said.replaceAll(setting, dialogue.asks ? `"${words}"` : `--${flag}`);
  }, known);
}

/**
 * A trouble with a proxy or an EST server, whose settings the person has not seen yet: what to answer otherwise, or which option
 * it is.
 * @param isAskedAgain they are what the next question is about
 */
export function otherwise(answers: Guide['answers'], met: Failure, isAskedAgain: boolean): Failure {
  const isNamed = (option: Option) => Boolean(answers.text(SETTINGS[option].name));
  const est = isNamed('est-user') ? '--est-user and --est-password-file' : '--bootstrap-cert and --bootstrap-key';
  const proxy = `${isNamed('proxy-user') ? 'Correct' : 'Add'} --proxy-user and --proxy-password-file`;
  const operator = 'the operator of the proxy';
  const known: Partial<Record<Code, readonly [again: string, options: string, rest: string]>> = {
    'NL-NETWORK-PROXY': [
      'the proxy again',
      'Name the right one with --proxy',
      `; if it is the right one, check the network, or ask ${operator}`,
    ],
    'NL-NETWORK-PROXY-AUTH': ['user name and password', proxy, `; ${operator} knows them`],
    'NL-EST-AUTH': ['them again', `Correct ${est}`, ', or ask the operator of the EST server'],
  };
  const [again, options, rest] = known[met.code] ?? [];
  if (again === undefined) return met;
  return { ...met, advice: `${isAskedAgain ? `Enter asks for ${again}` : options}${rest}.` };
}
