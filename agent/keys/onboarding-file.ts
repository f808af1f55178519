import type { Token } from '../../hsm/token.ts';
import { toPem } from '../certificate/pem.ts';
import { verify } from '../certificate/verify.ts';
import { type Failure, Fault } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import type { Leaf } from '../roll/leaf.ts';
import { writeAtomically } from '../state/durable.ts';
import { type OnboardingOptions, onboardingPem } from './onboarding.ts';

interface OnboardingFileOptions extends Pick<OnboardingOptions, 'key' | 'certificate'> {
  readonly token: Pick<Token, 'findByUri'>;
  readonly registrationId: string;
  /** Wall clock, milliseconds. */
  readonly now: () => number;
}

/** The file that `onboarding.certificate` names, which is replaced by what a person brings. */
export class OnboardingFile {
  readonly #options: OnboardingFileOptions;

  constructor(options: OnboardingFileOptions) {
    this.#options = options;
  }

  /** Judged like any leaf; it has a key of its own, and may be due. @throws Fault NL-LEAF-…; TokenError */
  async judge(delivered: Uint8Array): Promise<Leaf> {
    const { token, key, registrationId: cn, now } = this.#options;
    const { spki, id } = await token.findByUri(key);
    const chain = await toPem(delivered);
    return verify(chain, { key: { slot: 'given', id }, spki, cn, now: now(), renewAt: () => undefined }).leaf;
  }

  /** Why a certificate is to be brought; undefined where it is good, or lies in the token. */
  async lack(): Promise<Failure | undefined> {
    const { certificate } = this.#options;
    if (certificate === undefined) return undefined;
    return onboardingPem(certificate)
      .then((pem) => this.judge(Buffer.from(pem)))
      .then(() => undefined, failureOf);
  }

  /** The file that is to be replaced. @throws Fault NL-CONFIG */
  demandFile(): string {
    const { certificate } = this.#options;
    if (certificate !== undefined) return certificate;
    const message = 'onboarding.certificate names no file: the onboarding certificate lies in the token.';
    throw new Fault('NL-CONFIG', { message, advice: 'Name a file there, then `systemctl restart newleaf`.' });
  }

  /** Replaces the file durably; the one before is kept beside it. @throws Fault NL-STATE-WRITE */
  async keep({ chain }: Leaf): Promise<void> {
    const file = this.demandFile();
    const before = await onboardingPem(file).catch(() => chain);
    try {
      if (before !== chain) await writeAtomically(`${file}.bak`, before, 0o644);
      await writeAtomically(file, chain, 0o644);
    } catch (cause) {
      const message = `The certificate is good, but newleaf may not write it to ${file}.`;
      const advice = `As root: \`install -m 644 FILE ${file}\`, then \`newleaf reprovision\`.`;
      throw new Fault('NL-STATE-WRITE', { message, advice, cause });
    }
  }
}
