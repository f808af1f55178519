import fc from 'fast-check';

const line = fc.oneof(
  fc.string(),
  fc.base64String(),
  fc.constantFrom('CERTIFICATE', 'PKCS7', 'CMS').map((label) => `-----BEGIN ${label}-----`),
  fc.constantFrom('CERTIFICATE', 'PKCS7', 'CMS').map((label) => `-----END ${label}-----`),
);

/** Text that has the lines of PEM, and no certificate in it. */
export const text = fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join('\n')));

const PRIMITIVE = [0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x17, 0x80];
const CONSTRUCTED = [0x30, 0x31, 0xa0, 0xa3, 0x24];

const value = fc
  .tuple(fc.constantFrom(...PRIMITIVE), fc.uint8Array({ maxLength: 20 }))
  .map(([tag, octets]) => Buffer.of(tag, octets.length, ...octets));

/** Nested elements, with lengths that are right, wrong or indefinite. */
export const { ber } = fc.letrec<{ ber: Buffer }>((tie) => {
  const nest = fc
    .tuple(
      fc.constantFrom(...CONSTRUCTED),
      fc.array(tie('ber'), { maxLength: 4 }),
      fc.constantFrom(0, 0, 0, 1, 'indefinite' as const),
    )
    .map(([tag, inner, excess]) => {
      const content = Buffer.concat(inner);
      if (excess === 'indefinite') return Buffer.concat([Buffer.of(tag, 0x80), content, Buffer.of(0, 0)]);
      const length = content.length + excess;
      return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content]);
    });
  return { ber: fc.oneof({ depthSize: 'medium', withCrossShrink: true }, value, nest) };
});
