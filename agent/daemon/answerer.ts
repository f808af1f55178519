import type { Answer, Answerer, Ask } from '../ask/ask.ts';
import { failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { iso, statusOf } from '../roll/report.ts';
import { answerCsr, answerInstall, type Waiting } from './delivery.ts';
import { type AnswererOptions, answerRequest } from './requests.ts';

type OnboardingAsk = Extract<Ask, { kind: 'onboarding-csr' | 'install-onboarding' }>;

async function answerOnboarding(options: AnswererOptions, ask: OnboardingAsk): Promise<Answer> {
  const { onboarding, report, state } = options;
  if (onboarding === undefined) return { is: 'refused', failure: failure('NL-CONFIG', NO_ONBOARDING) };
  const { certificate } = onboarding;
  const { registrationId: cn } = report();
  try {
    if (ask.kind === 'onboarding-csr') return { is: 'csr', csr: await certificate.csr(cn), slot: 'given', cn };
    const { thumbprint, notAfter, issuer } = await certificate.install(ask.delivered);
    // Whatever waits because of the one before must not wait for the end of its ladder.
    if (state().online === undefined || state().next !== undefined)
      await answerRequest(options, { kind: 're-register', from: ask.from, delayMs: 0 });
    return { is: 'onboarded', thumbprint, notAfter: iso(notAfter), issuer };
  } catch (error) {
    const met = failureOf(error);
    return { is: met.kind === 'refused' ? 'refused' : 'broken', failure: met };
  }
}

const NO_ONBOARDING = { message: 'There is no onboarding key: leaf.issuer is not "azure".', advice: 'Ask without it.' };

export function createAnswerer(options: AnswererOptions): Answerer {
  const waiting: Waiting = {};
  return async (ask) => {
    switch (ask.kind) {
      case 'status':
        return { is: 'status', status: statusOf(options.state(), { ...options.report(), pem: ask.pem === true }) };
      case 'csr':
        return answerCsr(options, waiting, ask);
      case 'onboarding-csr':
      case 'install-onboarding':
        return answerOnboarding(options, ask);
      case 'install':
        return answerInstall(options, ask);
      default:
        return answerRequest(options, ask);
    }
  };
}
