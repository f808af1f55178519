import { existsSync } from 'node:fs';
import { standardOf } from '../../config/draft.ts';
import { askFirstKey } from './adopt/begin.ts';
import { ask } from './ask-setting.ts';
import { keepDraft } from './configuration.ts';
import { Back } from './dialogue.ts';
import { estQuestions } from './est.ts';
import { askInOrder, type Guide, type Question } from './guide.ts';
import { IDENTITY_QUESTIONS } from './identity.ts';
import { hasAnswer } from './network.ts';
import { proveScope } from './scope.ts';
import { demandWhole, SETTINGS } from './settings.ts';
import { askToken } from './token.ts';
import { admitTpm } from './tpm-unit.ts';

/** How this device proves itself. Without a TPM there is no question. */
export async function askAttestation(guide: Guide): Promise<void> {
  const { answers, dialogue, flag } = guide;
  const { attestation, 'tpm-device': device } = SETTINGS;
  const isTpm = () => answers.get(attestation.name) === 'tpm';
  const isGiven = flag(attestation.flag) !== undefined;
  if (isGiven || isTpm() || existsSync(String(standardOf(device.name)))) {
    if (dialogue.asks && !isGiven) dialogue.say('How does this device prove itself?');
    await ask('attestation')(guide);
  } else answers.set(attestation.name, standardOf(attestation.name));
  if (!isTpm()) return void answers.set(device.name, undefined);
  await ask('tpm-device')(guide);
  await admitTpm(guide, 'new');
}

const ofIssuer =
  (ask: Question, kind?: string): Question =>
  async (guide) => {
    const chosen = guide.answers.get(SETTINGS.issuer.name);
    if (chosen !== undefined && chosen === (kind ?? chosen)) await ask(guide);
  };

const exceptIssuer =
  (ask: Question, kind: string): Question =>
  async (guide) =>
    guide.answers.get(SETTINGS.issuer.name) === kind ? undefined : ask(guide);

/** No question: it is beside the key, unless an option names it. */
const askCertificate: Question = async (guide) =>
  guide.flag('onboarding-cert') === undefined ? undefined : ask('onboarding-cert')(guide);

/** The token comes last, as changes to it stay: nothing may be missing by then. */
const demandedToken: Question = (guide) => {
  guide.answers.demandAll();
  // Options that no question has taken, as those of another issuer, do not count.
  demandWhole({ flag: () => undefined }, hasAnswer(guide.answers));
  return askToken(guide);
};

/** All but the first: for a gateway with a leaf. */
const steps = (): readonly (readonly [title: string, questions: readonly Question[]])[] => [
  ['Which gateway is this?', [...IDENTITY_QUESTIONS, askAttestation]],
  [
    'Who signs its leaves?',
    [
      ask('issuer'),
      ...estQuestions().map((ask) => ofIssuer(ask, 'est')),
      ofIssuer(ask('command'), 'command'),
      ofIssuer(ask('onboarding-key'), 'azure'),
      ofIssuer(askCertificate, 'azure'),
      ofIssuer(ask('renew-at')),
    ],
  ],
  [
    'Where does its private key live?',
    [demandedToken, exceptIssuer(askFirstKey, 'azure'), exceptIssuer(proveScope, 'azure')],
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
  for (;;) {
    try {
      await askInOrder(guide, questions);
      return answers.demandAll();
    } catch (error) {
      if (!(error instanceof Back)) throw error;
      dialogue.say('There is no question before this one.');
    }
  }
}
