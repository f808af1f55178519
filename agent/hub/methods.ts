import type { Ask } from '../ask/ask.ts';
import type { WireAnswer } from '../ask/wire.ts';

/** A call that can be asked of the daemon, or the answer that says which field is wrong. */
export type Call = { readonly ask: Ask } | { readonly refused: WireAnswer };

type Fields = Readonly<Record<string, unknown>>;
type Read = (fields: Fields) => Ask;

/** The direct methods of the device, each with the fields of its payload. */
const METHODS: Readonly<Record<string, { readonly fields: readonly string[]; readonly read: Read }>> = {
  reprovision: { fields: ['action', 'id', 'delaySeconds'], read: reprovision },
  leafStatus: { fields: [], read: () => ({ kind: 'status' }) },
  requestCsr: { fields: ['id', 'newKey'], read: requestCsr },
  installLeaf: { fields: ['chain', 'id'], read: installLeaf },
};

export const METHOD_NAMES: readonly string[] = Object.keys(METHODS);

const LONGEST_ID = 128;
const LONGEST_DELAY_S = 86_400;

/** Reads a call of a direct method. Pure; never throws. A payload of `null` (what the portal sends) means no fields. */
export function readCall(name: string, payload: unknown): Call {
  const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (method === undefined) return refused('method', `is not one of ${METHOD_NAMES.join(', ')}`);
  const given = payload ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) return refused('payload', 'is not a JSON object');
  const unknown = Object.keys(given).find((key) => !method.fields.includes(key));
  if (unknown !== undefined) {
    return refused(unknown, method.fields.length > 0 ? `is not one of ${method.fields.join(', ')}` : 'is not expected');
  }
  try {
    return { ask: method.read({ ...given }) };
  } catch (error) {
    if (error instanceof WrongField) return refused(error.field, error.message);
    throw error;
  }
}

function reprovision({ action = 'register', id, delaySeconds = 0 }: Fields): Ask {
  if (action !== 'register' && action !== 'roll') throw new WrongField('action', 'is neither "register" nor "roll"');
  const named = readId(id);
  if (typeof delaySeconds !== 'number' || !(delaySeconds >= 0 && delaySeconds <= LONGEST_DELAY_S)) {
    throw new WrongField('delaySeconds', `is not a number from 0 to ${LONGEST_DELAY_S}`);
  }
  return {
    kind: action === 'roll' ? 'roll' : 're-register',
    from: 'method',
    ...named,
    delayMs: Math.round(delaySeconds * 1_000),
  };
}

/** A back end may name its call, and nothing follows from that: asked again, the CSR is the same under any name. */
function requestCsr({ id, newKey = false }: Fields): Ask {
  readId(id);
  if (typeof newKey !== 'boolean') throw new WrongField('newKey', 'is neither true nor false');
  return { kind: 'csr', from: 'method', newKey };
}

function installLeaf({ chain, id }: Fields): Ask {
  if (typeof chain !== 'string' || !chain.includes('-----BEGIN '))
    throw new WrongField('chain', 'is not a chain in PEM');
  return { kind: 'install', from: 'method', ...readId(id), delivered: Buffer.from(chain) };
}

function readId(id: unknown): { readonly id?: string } {
  if (id === undefined) return {};
  if (typeof id === 'string' && id !== '' && id.length <= LONGEST_ID) return { id };
  throw new WrongField('id', `is not a string of 1 to ${LONGEST_ID} characters`);
}

class WrongField extends Error {
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

const refused = (field: string, message: string): Call => ({
  refused: { status: 400, body: { field, message: `${field} ${message}` } },
});
