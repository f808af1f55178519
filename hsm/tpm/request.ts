import { TPM_ERROR_KINDS, type TpmErrorKind } from './error.ts';

/** What is asked of the process that talks to the TPM, one line of JSON each. Bytes are base64. */
export type Request =
  | { readonly op: 'identity' }
  /** Signs with a key that is forgotten after that. */
  | { readonly op: 'prove'; readonly blob: string; readonly message: string }
  /** Stores the key that signs from then on. */
  | { readonly op: 'activate'; readonly blob: string }
  | { readonly op: 'sign'; readonly message: string }
  /** Removes the key that signs. */
  | { readonly op: 'forget' };

export type Result = Readonly<Record<string, string>>;

export type Answer =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: TpmErrorKind; readonly message: string };

/** Undefined for a line that is no answer. */
export function readAnswer(line: string): Answer | undefined {
  try {
    const said = JSON.parse(line);
    return said.kind === 'done' || TPM_ERROR_KINDS.includes(said.kind) ? said : undefined;
  } catch {
    return undefined;
  }
}
