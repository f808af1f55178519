import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { formatUri, parseUri } from '../../../hsm/uri.ts';
import { onboardingLabel } from '../../config/instance.ts';
import { keepDraft } from './configuration.ts';
import type { Guide } from './guide.ts';
import { loginOf } from './pin.ts';

/**
 * Makes the onboarding key, where none of the factory was named. Its CKA_ID is kept with the answers before: after a power cut,
 * or Ctrl-C, the next init goes on with it. @throws Fault NL-TOKEN-…
 */
export async function makeOnboardingKey(guide: Guide): Promise<void> {
  const { answers, before, dialogue, errand } = guide;
  const [name, certificate] = ['onboarding.key', 'onboarding.certificate'];
  const label = onboardingLabel(answers.inEffect('hsm.label_prefix'));
  const written = parseUri(answers.inEffect(name));
  if (written.object !== label) return;
  const login = await loginOf(guide);
  // The daemon of a complete configuration has shown its CSR, perhaps.
  const isUsed = before !== undefined;
  const isIntended = written.id !== undefined && !isUsed;
  const found = isIntended ? undefined : (await errand('keysIn', login)).find((key) => key.label === label)?.id;
  const id = found ?? (written.id ?? randomBytes(16)).toString('hex');
  answers.set(name, formatUri({ object: label, id: Buffer.from(id, 'hex') }));
  if (!answers.has(certificate)) answers.set(certificate, join(answers.inEffect('state.directory'), 'onboarding.pem'));
  await keepDraft(guide);
  if (found === undefined) await errand('makeOnboardingKey', { ...login, label, id, isUsed });
  dialogue.ok(`The onboarding key "${label}" is in the token.`);
}
