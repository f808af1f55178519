import pkcs11js from 'pkcs11js';

// What objects are looked for by.

export const PRIVATE_KEY = { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY };
export const PUBLIC_KEY = { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY };
export const CERTIFICATE = { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_CERTIFICATE };
export const labelled = (label: string) => ({ type: pkcs11js.CKA_LABEL, value: label });
export const identified = (id: Buffer) => ({ type: pkcs11js.CKA_ID, value: id });

/** A CKA_ID from hex. */
export const bytes = (id: string): Buffer => Buffer.from(id, 'hex');
export const NO_ID = Buffer.alloc(0);
