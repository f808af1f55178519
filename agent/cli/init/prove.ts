import { draftConfig } from '../../config/config.ts';
import type { Written } from '../../config/schema.ts';
import { CODES, type Failure, failure } from '../../failure/failure.ts';
import { examine } from '../checks/examine.ts';
import { CHECKS } from '../checks/list.ts';
import { siteHere } from '../proof/site-here.ts';
import { originOf } from './copies.ts';
import { onBack, toNo } from './dialogue.ts';
import { askInOrder, type Guide, type Question } from './guide.ts';
import { ofProxy } from './network.ts';
import { type Option, SETTINGS } from './settings.ts';

/**
 * Proves answers by checks, in the words of `newleaf check`, and without their needs: what was proven just now is not asked again.
 * @param ids in the order of the list; the first that fails is told
 * @returns with the failure, where something is wrong
 */
export async function prove(
  guide: Pick<Guide, 'answers' | 'copies' | 'dialogue' | 'file'>,
  ids: readonly string[],
  doing: string,
  draft: ReadonlyMap<string, Written> = guide.answers,
) {
  const { answers, dialogue, file } = guide;
  const config = async () => draftConfig(draft, file);
  const here = siteHere({ config, file, env: process.env, now: Date.now() });
  const site: typeof here = {
    ...here,
    // The token is chosen last: an answer is proven without the leaf that may be in it.
    entry: async () => 'absent',
    // No file is named yet: then only the CAs that node knows vouch for a server.
    authorities: async (setting, path) => (path === undefined ? '' : here.authorities(setting, path)),
  };
  const first = async () => {
    let message = '';
    for await (const found of examine(
      CHECKS.filter(({ id }) => ids.includes(id)),
      site,
    )) {
      const { outcome, code = 'NL-CLOCK', change, advice = CODES[code].advice } = found;
      message = inTheirWords(guide, found.message);
      // Skipped is what cannot be judged while the clock is wrong.
      if (outcome !== 'failed' && outcome !== 'skipped') continue;
      // Nothing runs yet that could be started again.
      const help = change ?? (advice === CODES['NL-CONFIG'].advice ? 'Correct it, or name another.' : advice);
      const met = failure(code, { message, advice: inTheirWords(guide, help) });
      return { message, failure: ofProxy(answers, met, dialogue.asks && ids.includes('dps-reach')) };
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

/**
 * The person knows the file that was named, and not its copy, which goes when it does not work; the question or the option,
 * and not the setting.
 */
function inTheirWords({ copies, dialogue }: Pick<Guide, 'copies' | 'dialogue'>, text: string): string {
  const known = [...copies.keys()].reduce((said, path) => said.replaceAll(path, originOf({ copies }, path)), text);
  return Object.values(SETTINGS).reduce((said, { name, flag, words, file }) => {
    if (dialogue.asks && file !== undefined) return said;
    const setting = new RegExp(`\\b${name.replaceAll('.', '\\.')}\\b(?! =)`, 'g');
    return said.replaceAll(setting, dialogue.asks ? `"${words}"` : `--${flag}`);
  }, known);
}
