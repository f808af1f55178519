import type { Ask } from './ask.ts';

/** The message begins with the name of the field: "id must be …". */
export type Reading = { readonly ask: Ask } | { readonly wrong: { readonly field: string; readonly message: string } };

interface Field {
  /** For a person: "must be …". */
  readonly must: string;
  readonly accepts: (value: unknown) => boolean;
}

export interface Body {
  readonly id?: string;
  readonly action?: 'register' | 'roll';
  readonly delaySeconds?: number;
  readonly discard?: boolean;
  readonly newKey?: boolean;
  readonly onboarding?: boolean;
  readonly leaf?: string;
  readonly chain?: string;
  readonly pem?: boolean;
}

const LONGEST_DELAY_S = 86_400;
/** A chain of ten certificates with large keys is a tenth of it. */
export const LARGEST_DELIVERY = 256 * 1024;

const flag: Field = { must: 'must be true or false', accepts: (value) => typeof value === 'boolean' };

const FIELDS: Readonly<Record<keyof Body, Field>> = {
  id: {
    must: 'must be a text of 1 to 128 characters',
    accepts: (value) => typeof value === 'string' && value.length >= 1 && value.length <= 128,
  },
  action: {
    must: 'must be "register" or "roll"',
    accepts: (value) => value === 'register' || value === 'roll',
  },
  delaySeconds: {
    must: `must be a number from 0 to ${LONGEST_DELAY_S}`,
    accepts: (value) => typeof value === 'number' && value >= 0 && value <= LONGEST_DELAY_S,
  },
  discard: flag,
  newKey: flag,
  onboarding: flag,
  leaf: {
    must: `must be PEM, or the base64 of PEM, DER or PKCS#7, of 1 to ${LARGEST_DELIVERY} bytes`,
    accepts: (value) => typeof value === 'string' && isDelivery(deliveredIn(value)),
  },
  chain: { must: 'must be a chain in PEM', accepts: (value) => typeof value === 'string' && isPem(value) },
  pem: flag,
};

/** The requests of one edge, by the names that this edge gives them. */
export interface Form {
  readonly fields: readonly (keyof Body)[];
  readonly required?: keyof Body;
  readonly ask: (body: Body) => Ask;
}

/**
 * Reads a request. Pure; never throws.
 * @param whole what the edge calls the body
 */
export function readForm(form: Form, given: unknown, whole: string): Reading {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return wrong(whole, 'must be a JSON object');
  for (const [name, value] of Object.entries(given)) {
    const field = form.fields.find((one) => one === name);
    const known = form.fields.length > 0 ? `known are ${form.fields.join(', ')}` : 'there are no fields';
    if (field === undefined) return wrong(name, `is not known here; ${known}`);
    if (!FIELDS[field].accepts(value)) return wrong(name, FIELDS[field].must);
  }
  const { required } = form;
  if (required !== undefined && !Object.hasOwn(given, required)) return wrong(required, FIELDS[required].must);
  return { ask: form.ask(given) };
}

/** The value of a JSON text; undefined where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const wrong = (field: string, words: string): Reading => ({ wrong: { field, message: `${field} ${words}` } });

export const withId = ({ id }: Body) => (id === undefined ? {} : { id });

export const askCsr =
  (from: 'method' | 'technician') =>
  ({ newKey = false, onboarding = false }: Body): Ask =>
    onboarding ? { kind: 'onboarding-csr' } : { kind: 'csr', from, newKey };

export const askInstall =
  (from: 'method' | 'technician') =>
  ({ chain = '', leaf, onboarding = false, ...body }: Body): Ask => {
    const delivered = leaf === undefined ? Buffer.from(chain) : deliveredIn(leaf);
    return onboarding
      ? { kind: 'install-onboarding', from, delivered }
      : { kind: 'install', from, ...withId(body), delivered };
  };

export const delayMs = ({ delaySeconds = 0 }: Body): number => Math.round(delaySeconds * 1000);

const isPem = (text: string): boolean => text.includes('-----BEGIN ');

/** PEM has a hyphen in its first line, and base64 has none at all (RFC 4648 section 4). Empty where it is neither. */
export function deliveredIn(text: string): Buffer {
  if (isPem(text)) return Buffer.from(text);
  const base64 = text.replace(/\s+/g, '');
  return Buffer.from(/^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? base64 : '', 'base64');
}

const isDelivery = ({ length }: Buffer): boolean => length >= 1 && length <= LARGEST_DELIVERY;
