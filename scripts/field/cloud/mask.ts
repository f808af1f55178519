const MASK = '***';

/** What is a secret by its place: signatures and keys of shared access policies, tokens, and keys in JSON. */
const SECRETS: readonly RegExp[] = [
  /(SharedAccessKey=)[^;\s"'\\]+/gi,
  /((?:[?&\s"]|^)sig=)[^&\s"'\\]+/gi,
  /(authorization:[ \t]*)[^\r\n\\]+/gi,
  /(\\?"(?:primary|secondary)Key\\?"\s*:\s*\\?")[^"\\]+/gi,
];

/** Takes the secrets out of a text: those that have a place of their own, and those that were named. */
export class Mask {
  readonly #known = new Set<string>();

  /** A key that must be in no text, wherever it stands. */
  hide(secret: string): void {
    for (const form of [secret, encodeURIComponent(secret)]) if (form !== '') this.#known.add(form);
  }

  over(text: string): string {
    let masked = text;
    for (const secret of this.#known) masked = masked.replaceAll(secret, MASK);
    for (const place of SECRETS) masked = masked.replace(place, `$1${MASK}`);
    return masked;
  }
}
