import { draftConfig } from '../../config/config.ts';
import type { Written } from '../../config/schema.ts';
import { type Failure, failure } from '../../failure/failure.ts';
import { examine } from '../checks/examine.ts';
import { CHECKS } from '../checks/list.ts';
import { siteHere } from '../proof/site-here.ts';
import { originOf } from './copies.ts';
import { Back, toNo } from './dialogue.ts';
import type { Guide } from './guide.ts';
import { askInOrder, type Question } from './in-order.ts';
import { SETTINGS } from './settings.ts';

/** What the answers so far are worth, in the words of `newleaf check`. */
export interface Proof {
  readonly message: string;
  /** Undefined where nothing is wrong. */
  readonly failure: Failure | undefined;
}

/**
 * Proves answers by checks, without their needs: what was proven just now is not asked again.
 * @param ids in the order of the list; the first that fails is told
 * @param doing for the person who waits
 */
export async function prove(
  guide: Pick<Guide, 'answers' | 'copies' | 'dialogue' | 'file'>,
  ids: readonly string[],
  doing: string,
  draft = guide.answers.draft,
): Promise<Proof> {
  const { dialogue, file } = guide;
  const config = async () => draftConfig(draft, file);
  const here = siteHere({ config, file, env: process.env, now: Date.now() });
  const site: typeof here = {
    ...here,
    // The token is chosen last: an answer is proven without the leaf that may be in it.
    entry: async () => 'absent',
    // No file is named yet: then only the CAs that node knows vouch for a server.
    authorities: async (setting, path) => (path === undefined ? '' : here.authorities(setting, path)),
  };
  const checks = CHECKS.filter(({ id }) => ids.includes(id));
  const first = async (): Promise<Proof> => {
    let message = '';
    for await (const { outcome, code = 'NL-CLOCK', advice, ...found } of examine(checks, site)) {
      message = inTheirWords(guide, found.message);
      const detail = { message, ...(advice !== undefined && { advice: inTheirWords(guide, advice) }) };
      // Skipped is what cannot be judged while the clock is wrong.
      if (outcome === 'failed' || outcome === 'skipped') return { message, failure: failure(code, detail) };
    }
    return { message, failure: undefined };
  };
  return dialogue.during(doing, first()).finally(() => site.close());
}

/** What a failure is about. */
export interface Blame {
  /** The setting that may be wrong, and its answer before: at Ctrl-C, while the person decides, that one is kept. */
  readonly setting: readonly [name: string, before: Written | undefined];
  /** Asked first: whether there is another answer. @throws Back */
  readonly offer?: () => Promise<boolean>;
  readonly again: readonly Question[];
}

/**
 * Tries answers until they hold, or the person goes on all the same. `back`, as no, leads to the questions that they are about.
 * @param met what is wrong with them
 * @returns whether they hold
 */
export async function untilProven(
  guide: Guide,
  met: () => Promise<Failure | undefined>,
  blame: (failure: Failure) => Blame,
): Promise<boolean> {
  const { answers, dialogue } = guide;
  for (;;) {
    const failure = await met();
    if (failure === undefined) return true;
    dialogue.wrong(failure);
    const { setting, offer, again } = blame(failure);
    const [name, before] = setting;
    let failed = answers.get(name);
    answers.set(name, before);
    const offered = await offer?.().catch(toBack);
    if (offered === true) {
      const still = await met();
      if (still === undefined) return true;
      dialogue.wrong(still);
      failed = answers.get(name);
      answers.set(name, before);
    }
    const isTaken = offered !== 'back' && (await dialogue.confirm('Go on all the same?', false).catch(toNo));
    if (isTaken) answers.set(name, failed);
    if (isTaken) return false;
    await askInOrder(guide, again);
  }
}

function toBack(error: unknown): 'back' {
  if (error instanceof Back) return 'back';
  throw error;
}

/**
 * The person knows the file that was named, and not its copy, which goes when it does not work; the question or the option,
 * and not the setting. Nothing runs yet that could be started again.
 */
function inTheirWords({ copies, dialogue }: Pick<Guide, 'copies' | 'dialogue'>, text: string): string {
  const known = [...copies.keys()].reduce((said, path) => said.replaceAll(path, originOf({ copies }, path)), text);
  const asked = Object.values(SETTINGS).reduce((said, { name, flag, words, file }) => {
    if (dialogue.asks && file !== undefined) return said;
    return said.replaceAll(
      new RegExp(`\\b${name.replaceAll('.', '\\.')}\\b(?! =)`, 'g'),
      dialogue.asks ? `"${words}"` : `--${flag}`,
    );
  }, known);
  return asked.replace(', then `systemctl restart newleaf`', '');
}
