import pkcs11js, { type Handle, type PKCS11 } from 'pkcs11js';
import type { KeyType } from '../../hsm/public-key.ts';

/** A key or certificate in the token. */
export interface Item {
  readonly kind: number;
  readonly label: string;
  /** CKA_ID in hexadecimal digits. */
  readonly id: string;
}

/** What is known of a token before it is used. */
export interface Look {
  /** Module, token, firmware: for the report. */
  readonly who: string;
  readonly mechanisms: readonly string[];
  readonly keyTypes: readonly KeyType[];
  readonly objects: readonly Item[];
}

interface Where {
  readonly module: string;
  readonly token: string;
}

const KINDS = [pkcs11js.CKO_PRIVATE_KEY, pkcs11js.CKO_PUBLIC_KEY, pkcs11js.CKO_CERTIFICATE];
/** At most so many are looked at: a token of a gateway has a handful. */
const MOST = 1_000;

/** Opens the token, and closes the module behind it: the suite opens it in processes of its own. @throws Error of the module */
function within<T>({ module, token }: Where, pin: string, use: (at: PKCS11, session: Handle, slot: Handle) => T): T {
  const at = new pkcs11js.PKCS11();
  at.load(module);
  at.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
  try {
    const slots = at.C_GetSlotList(true);
    const labels = slots.map((slot) => at.C_GetTokenInfo(slot).label.trimEnd());
    const slot = slots[labels.indexOf(token)];
    if (slot === undefined || labels.indexOf(token) !== labels.lastIndexOf(token))
      throw new Error(
        `The module has not exactly one token "${token}". Tokens there: ${labels.map((label) => `"${label}"`).join(', ')}`,
      );
    const session = at.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    at.C_Login(session, pkcs11js.CKU_USER, pin);
    return use(at, session, slot);
  } finally {
    at.C_Finalize();
  }
}

/** The objects of the token, each with its handle. */
function inventory(at: PKCS11, session: Handle): readonly (readonly [Handle, Item])[] {
  return KINDS.flatMap((kind) => {
    at.C_FindObjectsInit(session, [{ type: pkcs11js.CKA_CLASS, value: kind }]);
    const found = at.C_FindObjects(session, MOST);
    at.C_FindObjectsFinal(session);
    return found.map((object): readonly [Handle, Item] => {
      const [label, id] = at.C_GetAttributeValue(session, object, [
        { type: pkcs11js.CKA_LABEL },
        { type: pkcs11js.CKA_ID },
      ]);
      return [
        object,
        { kind, label: String(label?.value), id: id?.value instanceof Buffer ? id.value.toString('hex') : '' },
      ];
    });
  });
}

/** Looks at a token and changes nothing. */
export function look(where: Where, pin: string): Look {
  return within(where, pin, (at, session, slot) => {
    const { manufacturerID, libraryDescription, libraryVersion } = at.C_GetInfo();
    const token = at.C_GetTokenInfo(slot);
    const numbers = at.C_GetMechanismList(slot);
    const version = ({ major, minor }: { readonly major: number; readonly minor: number }): string =>
      `${major}.${minor}`;
    const longest = (mechanism: number): number =>
      numbers.includes(mechanism) ? at.C_GetMechanismInfo(slot, mechanism).maxKeySize : 0;
    const ec = longest(pkcs11js.CKM_EC_KEY_PAIR_GEN);
    const keyTypes: readonly (readonly [KeyType, boolean])[] = [
      ['ec-p256', ec >= 256],
      ['ec-p384', ec >= 384],
      ['rsa-2048', longest(pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN) >= 2_048],
    ];
    return {
      who: `Module ${where.module} (${manufacturerID.trim()}, ${libraryDescription.trim()} ${version(libraryVersion)})
Token "${where.token}" (${token.manufacturerID.trim()}, ${token.model.trim()}, hardware ${version(token.hardwareVersion)}, firmware ${version(token.firmwareVersion)})`,
      mechanisms: numbers.map((number) => `0x${number.toString(16)}`),
      keyTypes: keyTypes.flatMap(([keyType, isThere]) => (isThere ? [keyType] : [])),
      objects: inventory(at, session).map(([, item]) => item),
    };
  });
}

const same = (one: Item, other: Item): boolean =>
  one.kind === other.kind && one.label === other.label && one.id === other.id;

/** Removes what was not there before. Returns how many objects these were. */
export function remove(where: Where, pin: string, before: readonly Item[]): number {
  return within(where, pin, (at, session) => {
    const left = inventory(at, session).filter(([, item]) => !before.some((one) => same(one, item)));
    for (const [object] of left) at.C_DestroyObject(session, object);
    return left.length;
  });
}
