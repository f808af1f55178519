import { askAttestation } from './attestation.ts';
import { keepDraft } from './configuration.ts';
import type { Guide } from './guide.ts';
import { askIdentity } from './identity.ts';
import { askIssuer } from './issuer.ts';
import { askToken } from './token.ts';

type Step = readonly [title: string, ask: (guide: Guide) => Promise<unknown>];

const IDENTITY: Step = [
  'Which gateway is this?',
  async (guide) => {
    await askIdentity(guide);
    await askAttestation(guide);
  },
];

/** For a gateway with a leaf. The token comes last: changes to it stay, even where other answers are missing. */
const LEAF: readonly Step[] = [
  ['Who signs its leaves?', askIssuer],
  ['Where does its private key live?', askToken],
];

/** Asks everything, step by step, and keeps the answers after each step. @throws Fault, Interrupted */
export async function askAll(guide: Guide): Promise<void> {
  const { answers, dialogue } = guide;
  const steps = [IDENTITY, ...LEAF];
  for (const [at, [title, ask]] of steps.entries()) {
    const isNeeded = at === 0 || answers.get('dps.attestation') !== 'tpm';
    if (!isNeeded) continue;
    if (dialogue.asks) dialogue.title(`${at + 1} of ${steps.length}  ${title}`);
    if (ask === askToken) answers.demandAll();
    await ask(guide);
    if (dialogue.asks) await keepDraft(guide);
  }
  answers.demandAll();
}
