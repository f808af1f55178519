import type { Answer, Answerer } from '../ask/ask.ts';
import { failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { statusOf } from '../roll/report.ts';
import { answerCsr, answerInstall, type Waiting } from './delivery.ts';
import { type AnswererOptions, answerRequest } from './requests.ts';

async function answerOnboarding({ onboarding, report }: AnswererOptions): Promise<Answer> {
  if (onboarding === undefined) return { is: 'refused', failure: failure('NL-CONFIG', NO_ONBOARDING) };
  const { registrationId: cn } = report();
  return onboarding.csr(cn).then(
    (csr) => ({ is: 'csr', csr, slot: 'given', cn }),
    (error) => ({ is: 'broken', failure: failureOf(error) }),
  );
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
        return answerOnboarding(options);
      case 'install':
        return answerInstall(options, ask);
      default:
        return answerRequest(options, ask);
    }
  };
}
