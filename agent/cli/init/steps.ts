import { existsSync } from 'node:fs';
import { standardOf } from '../../config/draft.ts';
import { askFirstKey } from './adopt/begin.ts';
import { ask } from './ask-setting.ts';
import { demandApart, keepDraft } from './configuration.ts';
import { onBack } from './dialogue.ts';
import { estQuestions } from './est.ts';
import { askInOrder, Flags, type Guide, type Question, when } from './guide.ts';
import { IDENTITY_QUESTIONS } from './identity.ts';
import { admitTpm } from './new-token.ts';
import { makeOnboardingKey } from './onboarding.ts';
import { proveScope } from './scope.ts';
import { demandWhole, SETTINGS } from './settings.ts';
import { askToken } from './token.ts';

/** How this device proves itself. Without a TPM there is no question. */
export async function askAttestation(guide: Guide): Promise<void> {
  const { answers, dialogue, flags } = guide;
  const { attestation, 'tpm-device': device } = SETTINGS;
  const isTpm = () => answers.get(attestation.name) === 'tpm';
  const isGiven = flags.has(attestation.flag);
  if (isGiven || isTpm() || existsSync(String(standardOf(device.name)))) {
    if (dialogue.asks && !isGiven) dialogue.say('How does this device prove itself?');
    await ask('attestation')(guide);
  } else answers.set(attestation.name, standardOf(attestation.name));
  if (!isTpm()) return void answers.set(device.name, undefined);
  await ask('tpm-device')(guide);
  await admitTpm(guide, 'new');
}

const isBy =
  (kind: string) =>
  ({ answers }: Guide): boolean =>
    answers.get(SETTINGS.issuer.name) === kind;

/** With Azure as issuer, no key of the gateway's own is brought, and the scope is met at once. */
const isOurs = (guide: Guide): boolean => !isBy('azure')(guide);

/** The certificate is no question: it is beside the key. */
const askOnboarding: Question = async (guide) => {
  await ask('onboarding-key')(guide);
  if (guide.flags.has('onboarding-cert')) await ask('onboarding-cert')(guide);
};

/** The token comes last, as changes to it stay: nothing may be missing by then. */
const demandedToken: Question = (guide) => {
  guide.answers.demandAll();
  // Options that no question has taken, as those of another issuer, do not count.
  demandWhole({ answers: guide.answers, flags: new Flags() });
  demandApart(guide.answers.config, guide.file);
  return askToken(guide);
};

/** All but the first: for a gateway with a leaf. */
const steps = (): readonly (readonly [title: string, questions: readonly Question[]])[] => [
  ['Which gateway is this?', [...IDENTITY_QUESTIONS, askAttestation]],
  [
    'Who signs its leaves?',
    [
      ask('issuer'),
      ...estQuestions().map((ask) => when(isBy('est'), ask)),
      when(isBy('command'), ask('command')),
      when(isBy('azure'), askOnboarding),
      when(({ answers }) => answers.has(SETTINGS.issuer.name), ask('renew-at')),
    ],
  ],
  [
    'Where does its private key live?',
    [demandedToken, when(isBy('azure'), makeOnboardingKey), when(isOurs, askFirstKey), when(isOurs, proveScope)],
  ],
];

/** Asks everything, and keeps the answers after each question. @throws Fault, Interrupted */
export async function askAll(guide: Guide): Promise<void> {
  const { answers, dialogue } = guide;
  let titled = -1;
  const questions = steps().flatMap(([title, asks], at, { length }) =>
    asks.map((ask): Question => {
      return async () => {
        if (at > 0 && answers.get('dps.attestation') === 'tpm') return;
        if (dialogue.asks && titled !== at) dialogue.title(`${at + 1} of ${length}: ${title}`);
        titled = at;
        await ask(guide);
        if (dialogue.asks) await keepDraft(guide);
      };
    }),
  );
  const isFirst = onBack(() => {
    dialogue.say('There is no question before this one.');
    return 'first' as const;
  });
  while ((await askInOrder(guide, questions).catch(isFirst)) === 'first');
  answers.demandAll();
}
