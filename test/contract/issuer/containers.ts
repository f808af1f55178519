import fc from 'fast-check';
import { armored, pkcs7Indefinite } from '../../unit/certificate/deliver.ts';
import { certsOnly } from './stand-in.ts';
import { type Delivered, pemOf } from './wish.ts';

const pkcs7 = (delivered: Delivered): Buffer => Buffer.from(certsOnly(delivered), 'base64');

/** What a chain may be packed in when somebody delivers it. */
const CONTAINERS: readonly ((delivered: Delivered) => Buffer)[] = [
  (delivered) => Buffer.from(pemOf(delivered)),
  (delivered) => Buffer.from(pemOf([...delivered].reverse())),
  (delivered) => Buffer.from(`subject=CN = gw-0001\r\n${pemOf(delivered).replaceAll('\n', '\r\n')}-- \r\n`),
  pkcs7,
  (delivered) => pkcs7([...delivered].reverse()),
  (delivered) => Buffer.from(armored('PKCS7', pkcs7(delivered))),
  (delivered) => pkcs7Indefinite(...delivered.map((der) => ({ der }))),
];

export const container = fc.constantFrom(...CONTAINERS);

/** What the wire, an editor or an enemy does to bytes, anywhere in them. */
const damage = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  how: fc.constantFrom('overwrite', 'cut', 'insert', 'repeat', 'end'),
  octets: fc.uint8Array({ minLength: 1, maxLength: 8 }),
});

export const damages = fc.array(damage, { minLength: 1, maxLength: 4 });

type Damage = typeof damage extends fc.Arbitrary<infer D> ? D : never;

export function damaged(bytes: Buffer, all: readonly Damage[]): Buffer {
  return all.reduce((before, { at, how, octets }) => {
    const start = Math.floor(at * before.length);
    const [head, tail] = [before.subarray(0, start), before.subarray(start)];
    const after = {
      overwrite: [octets, tail.subarray(octets.length)],
      cut: [tail.subarray(octets.length)],
      insert: [octets, tail],
      repeat: [tail.subarray(0, 100), tail],
      end: [],
    }[how];
    return Buffer.concat([head, ...(after ?? [])]);
  }, bytes);
}
