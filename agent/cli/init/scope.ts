import { objectionTo } from '../../config/draft.ts';
import type { Running } from '../run/command.ts';
import { existing, writeConfiguration } from './configuration.ts';
import type { Dialogue } from './dialogue.ts';
import { InitAnswers } from './guide.ts';
import { SETTINGS } from './settings.ts';

/** Exit code between two processes of init: the one of root asks for the ID scope. */
export const SCOPE_DOUBTED = 64;

/** One such answer may be an outage. */
const DOUBTFUL = 2;

/** Fires when DPS has answered as it does to an ID scope that does not exist, and not only once. */
export function scopeDoubted({ daemon }: Pick<Running, 'daemon'>): AbortSignal {
  const doubt = new AbortController();
  let times = 0;
  daemon.subscribe((event: { readonly code?: string; readonly type?: string }) => {
    if (event.type !== 'failed' || event.code !== 'NL-DPS-SCOPE') return;
    times += 1;
    if (times === DOUBTFUL) doubt.abort();
  });
  return doubt.signal;
}

/** Asks for the ID scope once more, and writes it. @throws Back; Interrupted; Fault NL-CONFIG */
export async function correctScope(dialogue: Dialogue, file: string): Promise<void> {
  const answers = new InitAnswers(existing(file, false).draft, file);
  const { name, words } = SETTINGS['id-scope'];
  const scope = answers.text(name);
  dialogue.blank();
  dialogue.say(
    `Is ${scope} the right ID scope? Enter tries again, or type another. \`back\` asks everything again, as \`newleaf init --ask\` does.`,
  );
  const typed = await dialogue.text(words, scope, (one) => objectionTo(name, one));
  if (typed === scope) return;
  answers.set(name, typed);
  await writeConfiguration({ answers, file });
}
