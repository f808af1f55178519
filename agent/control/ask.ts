import type { Ask } from '../ask/ask.ts';

/** Words that follow the name of the field: "id must be …". */
export interface WrongField {
  readonly field: string;
  readonly message: string;
}

export type Reading = { readonly ask: Ask } | { readonly wrong: WrongField };

interface Field {
  readonly must: string;
  readonly accepts: (value: unknown) => boolean;
}

const LONGEST_DELAY_S = 86_400;
const LONGEST_BODY = 64 * 1024;
/** A chain of ten certificates with large keys is a tenth of it. */
const LARGEST_DELIVERY = 256 * 1024;

const id: Field = {
  must: 'must be a text of 1 to 128 characters',
  accepts: (value) => typeof value === 'string' && value.length >= 1 && value.length <= 128,
};
const delaySeconds: Field = {
  must: `must be a number from 0 to ${LONGEST_DELAY_S}`,
  accepts: (value) => typeof value === 'number' && value >= 0 && value <= LONGEST_DELAY_S,
};
const leaf: Field = {
  must: `must be PEM, or the base64 of PEM, DER or PKCS#7, of 1 to ${LARGEST_DELIVERY} bytes`,
  accepts: (value) => typeof value === 'string' && isDelivery(deliveredIn(value)),
};
const flag: Field = { must: 'must be true or false', accepts: (value) => typeof value === 'boolean' };

interface Body {
  readonly id?: string;
  readonly delaySeconds?: number;
  readonly discard?: boolean;
  readonly newKey?: boolean;
  readonly leaf?: string;
}

interface Form {
  readonly fields: Readonly<Partial<Record<keyof Body, Field>>>;
  /** Without this one there is nothing to ask for. */
  readonly required?: keyof Body;
  /** In bytes, where it is not LONGEST_BODY. */
  readonly longest?: number;
  readonly ask: (body: Body) => Ask;
}

const from = 'technician';

/** What can be posted, by path. */
const FORMS: Readonly<Record<string, Form>> = {
  '/v1/reprovision': {
    fields: { id, delaySeconds },
    ask: ({ id, delaySeconds = 0 }) => ({
      kind: 're-register',
      from,
      ...named(id),
      delayMs: Math.round(delaySeconds * 1000),
    }),
  },
  '/v1/roll': {
    fields: { id, discard: flag },
    ask: ({ id, discard = false }) => ({ kind: 'roll', from, ...named(id), delayMs: 0, discard }),
  },
  '/v1/csr': {
    fields: { newKey: flag },
    ask: ({ newKey = false }) => ({ kind: 'csr', from, newKey }),
  },
  '/v1/leaf': {
    fields: { leaf, id },
    required: 'leaf',
    longest: 2 * LARGEST_DELIVERY,
    ask: ({ leaf = '', id }) => ({ kind: 'install', from, ...named(id), delivered: deliveredIn(leaf) }),
  },
};

export const POSTED_PATHS: readonly string[] = Object.keys(FORMS);

/** The longest body that is read, in bytes. */
export const longestBody = (path: string): number => FORMS[path]?.longest ?? LONGEST_BODY;

/** Reads the body of a POST to one of POSTED_PATHS; an empty one has no fields. Pure; never throws. */
export function readAsk(path: string, text: string): Reading {
  const form = FORMS[path];
  if (form === undefined) return wrong('path', `must be one of ${POSTED_PATHS.join(', ')}`);
  const body = text.trim() === '' ? {} : objectOf(text);
  if (body === undefined) return wrong('body', 'must be a JSON object');
  const known = Object.keys(form.fields);
  for (const [name, value] of Object.entries(body)) {
    const field = known.includes(name) ? form.fields[name as keyof Body] : undefined;
    if (field === undefined) return wrong(name, `is not known here; known are ${known.join(', ')}`);
    if (!field.accepts(value)) return wrong(name, field.must);
  }
  const { required } = form;
  if (required !== undefined && !(required in body))
    return wrong(required, form.fields[required]?.must ?? 'is missing');
  return { ask: form.ask(body) };
}

/** PEM has a hyphen in its first line, and base64 has none at all (RFC 4648 section 4). Empty where it is neither. */
function deliveredIn(text: string): Buffer {
  if (text.includes('-----BEGIN ')) return Buffer.from(text);
  const base64 = text.replace(/\s+/g, '');
  return Buffer.from(/^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? base64 : '', 'base64');
}

const isDelivery = ({ length }: Buffer): boolean => length >= 1 && length <= LARGEST_DELIVERY;

const named = (id: string | undefined) => (id === undefined ? {} : { id });

const wrong = (field: string, words: string): Reading => ({ wrong: { field, message: `${field} ${words}` } });

function objectOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
