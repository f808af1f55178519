import type { Answerer } from '../ask/ask.ts';
import { statusOf } from '../roll/report.ts';
import { csr, install } from './delivery.ts';
import { type AnswererOptions, request } from './requests.ts';

/** Answers direct methods, the control socket and the inbox alike. */
export function createAnswerer(options: AnswererOptions): Answerer {
  return async (ask) => {
    switch (ask.kind) {
      case 'status':
        return { is: 'status', status: statusOf(options.state(), options.report()) };
      case 'csr':
        return csr(options, ask);
      case 'install':
        return install(options, ask);
      default:
        return request(options, ask);
    }
  };
}
