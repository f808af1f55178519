import { askCsr, askInstall, delayMs, type Form, type Reading, readForm, withId, wrong } from '../ask/form.ts';

const from = 'method';

const METHODS: Readonly<Record<string, Form>> = {
  reprovision: {
    fields: ['action', 'id', 'delaySeconds'],
    ask: ({ action, ...body }) => ({
      kind: action === 'roll' ? 'roll' : 're-register',
      from,
      ...withId(body),
      delayMs: delayMs(body),
    }),
  },
  leafStatus: { fields: ['pem'], ask: ({ pem = false }) => ({ kind: 'status', ...(pem && { pem }) }) },
  // The back end may name its call, but the name changes nothing: the CSR is the same under any name.
  requestCsr: { fields: ['id', 'newKey', 'onboarding'], ask: askCsr(from) },
  installLeaf: {
    fields: ['chain', 'id', 'onboarding'],
    required: 'chain',
    ask: askInstall(from),
  },
};

export const METHOD_NAMES: readonly string[] = Object.keys(METHODS);

/** Reads a call of a direct method. Pure; never throws. A payload of `null` (what the portal sends) means no fields. */
export function readCall(name: string, payload: unknown): Reading {
  const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (method === undefined) return wrong('method', `must be one of ${METHOD_NAMES.join(', ')}`);
  return readForm(method, payload ?? {}, 'payload');
}
