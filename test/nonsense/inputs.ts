import fc from 'fast-check';

/** No far side and no program can send more than this in one piece that is kept. */
const LONGEST = 256 * 1024;
const DEEP = 10_000;

/** In place of a value of JSON or TOML: what JavaScript, rather than the format, takes amiss. */
const VALUES: readonly string[] = [
  ...['null', 'true', '[]', '{}', '""', '-1', '-0', '1e999', '9007199254740993', '0.1e-400', '1979-05-27'],
  ...['"\\u0000"', '"\\ud800"', '"%"', '"%E0%A4%A"', '"`reboot`"', '"\\u001b[2J"', '"a\\nb"', '"#"', '"__proto__"'],
  ...['{"toString":1}', '{"valueOf":null}', '{"toJSON":1}', '{"then":1}', '{"length":4294967295}'],
  ...['{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}', '{"a":1,"a":2}', '[[1],{"a":[null]}]'],
];
const HEAVY: readonly string[] = [
  '['.repeat(DEEP) + ']'.repeat(DEEP),
  `${'{"a":'.repeat(DEEP / 2)}1${'}'.repeat(DEEP / 2)}`,
  '['.repeat(DEEP),
  JSON.stringify('x'.repeat(70_000)),
  `[${'1,'.repeat(DEEP)}1]`,
];

/** Between bytes: marks of MQTT, HTTP, PEM, DER, TOML, UTF-8 and URLs. */
const WORDS: readonly Buffer[] = [
  ...[
    '\0',
    '\n',
    '\r\n',
    '\r\n\r\n',
    ' ',
    '/',
    '?',
    '#',
    '+',
    '$',
    '&',
    '=',
    '%',
    '%00',
    '%ff',
    '"',
    "'''",
    '\\',
    '..',
  ],
  ...['$rid=1', '__proto__', 'constructor', '=', '[', ']', '[[', '{', '}', '.', ',', ':', '-', 'inf', '0x1F', '1e309'],
  ...[
    '-----BEGIN CERTIFICATE-----\n',
    '-----END CERTIFICATE-----\n',
    '-----BEGIN PKCS7-----\n',
    '\ufeff',
    '\ufffd',
    '💥',
  ],
  ...['HTTP/1.1 ', 'Content-Length: 99999999999\r\n', 'Transfer-Encoding: chunked\r\n', 'Connection: close\r\n'],
].map((word) => Buffer.from(word));
const BYTES: readonly Buffer[] = [
  ...['30', '3080', '0000', '30820000', '3084ffffffff', 'a080', '0602', '0500', '1f8180', 'ff', 'ffff', 'ffffffff'],
  ...['c080', 'eda080', 'f4908080', '00ff', '7f', '80', '8180808080', '10', '32', '82', 'a2', 'c000', 'e000'],
].map((hex) => Buffer.from(hex, 'hex'));

interface Change {
  readonly how: 'set' | 'cut' | 'put' | 'value' | 'again' | 'end' | 'other';
  /** Where, as a share of the whole. */
  readonly at: number;
  /** Bytes, or times. */
  readonly size: number;
  readonly word: Buffer;
  readonly value: string;
}

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const change: fc.Arbitrary<Change> = fc.record({
  how: fc.constantFrom('set', 'cut', 'put', 'value', 'value', 'value', 'again', 'end', 'other'),
  at: share,
  size: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 8 }) }, fc.integer({ min: 9, max: 4_000 })),
  word: fc.oneof(
    fc.constantFrom(...WORDS),
    fc.constantFrom(...BYTES),
    fc.uint8Array({ minLength: 1, maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  ),
  value: fc.oneof({ weight: 7, arbitrary: fc.constantFrom(...VALUES) }, fc.constantFrom(...HEAVY)),
});

const TOKEN = /"(?:[^"\\\n]|\\.)*"|-?\d[\w.+-]*|\b(?:true|false|null)\b/g;

/** One change of what is right. */
function changed(bytes: Buffer, { how, at, size, word, value }: Change, others: readonly Buffer[]): Buffer {
  const from = Math.floor(at * (bytes.length + 1));
  const until = Math.min(bytes.length, from + size);
  const around = (middle: Buffer, to = until) => Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]);
  switch (how) {
    case 'set':
      return around(word, Math.min(bytes.length, from + word.length));
    case 'cut':
      return around(Buffer.alloc(0));
    case 'put':
      return around(word, from);
    case 'again':
      return around(
        Buffer.concat(Array.from({ length: Math.min(size, 2_000) }, () => bytes.subarray(from, from + 16))),
        from,
      );
    case 'end':
      return bytes.subarray(0, from);
    case 'other':
      return around((others[size % others.length] ?? word).subarray(from));
    case 'value': {
      const text = bytes.toString('latin1');
      const tokens = [...text.matchAll(TOKEN)];
      const token = tokens[Math.floor(at * tokens.length)];
      if (token === undefined) return around(Buffer.from(value), from);
      const after = token.index + token[0].length;
      return Buffer.from(text.slice(0, token.index) + value + text.slice(after), 'latin1');
    }
  }
}

/** What is right, with one to four changes; seldom bytes that were never right. */
export function inputsFrom(seeds: readonly [Buffer, ...Buffer[]]): fc.Arbitrary<Buffer> {
  const mangled = fc
    .tuple(fc.constantFrom(...seeds), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([seed, changes]) => changes.reduce((bytes, one) => changed(bytes, one, seeds).subarray(0, LONGEST), seed));
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ weight: 19, arbitrary: mangled }, noise);
}

/** The first line, and the rest: a topic and its payload, a path and its body. */
export function lineAndRest(input: Buffer): readonly [line: string, rest: Buffer] {
  const end = input.indexOf('\n');
  if (end === -1) return [input.toString(), Buffer.alloc(0)];
  return [input.subarray(0, end).toString(), input.subarray(end + 1)];
}
