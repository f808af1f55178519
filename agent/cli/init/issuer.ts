import { askSetting } from './ask-setting.ts';
import { estQuestions } from './est.ts';
import type { Question } from './in-order.ts';
import { SETTINGS } from './settings.ts';

/** Who signs the leaves, and when they are renewed. */
export function issuerQuestions(): readonly Question[] {
  const of = (kind: string | undefined, ask: Question): Question => {
    return async (guide) => {
      const chosen = guide.answers.get(SETTINGS.issuer.name);
      if (chosen !== undefined && chosen === (kind ?? chosen)) await ask(guide);
    };
  };
  return [
    (guide) => askSetting(guide, SETTINGS.issuer),
    ...estQuestions().map((ask) => of('est', ask)),
    of('command', (guide) => askSetting(guide, SETTINGS.command)),
    of(undefined, (guide) => askSetting(guide, SETTINGS['renew-at'])),
  ];
}
