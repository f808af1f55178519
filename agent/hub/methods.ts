import type { Answer, Ask } from '../roll/ports.ts';

/** A call that can be asked of the daemon, or the answer that says which field is wrong. */
export type Call = { readonly ask: Ask } | { readonly refused: Answer };

type Fields = Readonly<Record<string, unknown>>;
type Read = (fields: Fields) => Ask;

/** The direct methods of the device, each with the fields of its payload. */
const METHODS: Readonly<Record<string, { readonly fields: readonly string[]; readonly read: Read }>> = {
  reprovision: { fields: ['action', 'id', 'delaySeconds'], read: reprovision },
  leafStatus: { fields: [], read: () => ({ kind: 'status' }) },
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
  if (id !== undefined && (typeof id !== 'string' || id === '' || id.length > LONGEST_ID)) {
    throw new WrongField('id', `is not a string of 1 to ${LONGEST_ID} characters`);
  }
  if (typeof delaySeconds !== 'number' || !(delaySeconds >= 0 && delaySeconds <= LONGEST_DELAY_S)) {
    throw new WrongField('delaySeconds', `is not a number from 0 to ${LONGEST_DELAY_S}`);
  }
  return {
    kind: action === 'roll' ? 'roll' : 're-register',
    from: 'method',
    ...(id === undefined ? {} : { id }),
    delayMs: Math.round(delaySeconds * 1_000),
  };
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
