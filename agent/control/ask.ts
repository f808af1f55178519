import {
  askCsr,
  askInstall,
  delayMs,
  type Form,
  LARGEST_DELIVERY,
  parsed,
  type Reading,
  readForm,
  withId,
  wrong,
} from '../ask/form.ts';

export const LONGEST_BODY = 64 * 1024;

const from = 'technician';

const FORMS: Readonly<Record<string, Form>> = {
  '/v1/reprovision': {
    fields: ['id', 'delaySeconds'],
    ask: (body) => ({ kind: 're-register', from, ...withId(body), delayMs: delayMs(body) }),
  },
  '/v1/roll': {
    fields: ['id', 'discard'],
    ask: ({ discard = false, ...body }) => ({ kind: 'roll', from, ...withId(body), delayMs: 0, discard }),
  },
  '/v1/csr': { fields: ['newKey', 'onboarding'], ask: askCsr(from) },
  '/v1/leaf': {
    fields: ['leaf', 'id', 'onboarding'],
    required: 'leaf',
    ask: askInstall(from),
  },
};

export const POSTED_PATHS: readonly string[] = Object.keys(FORMS);

/** In bytes. */
export const longestBody = (path: string): number => (path === '/v1/leaf' ? 2 * LARGEST_DELIVERY : LONGEST_BODY);

/** Reads the body of a POST to one of POSTED_PATHS; an empty one has no fields. Pure; never throws. */
export function readAsk(path: string, text: string): Reading {
  const form = Object.hasOwn(FORMS, path) ? FORMS[path] : undefined;
  if (form === undefined) return wrong('path', `must be one of ${POSTED_PATHS.join(', ')}`);
  return readForm(form, text.trim() === '' ? {} : parsed(text), 'body');
}
