import type { Answerer } from '../ask/ask.ts';
import { statusOf } from '../roll/report.ts';
import { answerCsr, answerInstall, type Waiting } from './delivery.ts';
import { type AnswererOptions, answerRequest } from './requests.ts';

export function createAnswerer(options: AnswererOptions): Answerer {
  const waiting: Waiting = {};
  return async (ask) => {
    switch (ask.kind) {
      case 'status':
        return { is: 'status', status: statusOf(options.state(), { ...options.report(), pem: ask.pem === true }) };
      case 'csr':
        return answerCsr(options, waiting, ask);
      case 'install':
        return answerInstall(options, ask);
      default:
        return answerRequest(options, ask);
    }
  };
}
