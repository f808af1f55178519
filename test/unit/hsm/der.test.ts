import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elements, octets, oid, unsigned } from '../../../hsm/der.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const integers: readonly (readonly [string, string])[] = [
  ['00', '020100'],
  ['0000', '020100'],
  ['01', '020101'],
  ['7f', '02017f'],
  ['80', '02020080'],
  ['0080', '02020080'],
  ['00007f01', '02027f01'],
  ['ff00', '020300ff00'],
];

for (const [bytes, der] of integers) {
  test(`the unsigned integer ${bytes} is ${der}`, () => assert.equal(hex(unsigned(Buffer.from(bytes, 'hex'))), der));
}

test('object identifiers have their arcs in groups of seven bits', () => {
  assert.equal(hex(oid('2.5.4.3')), '0603550403');
  assert.equal(hex(oid('1.2.840.10045.4.3.2')), '06082a8648ce3d040302');
});

for (const [length, header] of [
  [0, '0400'],
  [127, '047f'],
  [128, '048180'],
  [255, '0481ff'],
  [256, '04820100'],
  [65_535, '0482ffff'],
] as const) {
  test(`${length} bytes have the header ${header}, and are read again`, () => {
    const content = Buffer.alloc(length, 7);
    const der = octets(content);
    assert.equal(hex(der.subarray(0, header.length / 2)), header);
    const [first, second, ...others] = elements(Buffer.concat([der, unsigned(Buffer.of(1))]));
    assert.deepEqual([first?.tag, first?.content, first?.whole], [4, content, der]);
    assert.deepEqual([second?.tag, others], [2, []]);
  });
}

for (const cut of ['04', '0402aa', '0482', '048201']) {
  test(`DER that ends too early (${cut}) is refused`, () => {
    assert.throws(() => elements(Buffer.from(cut, 'hex')), RangeError);
  });
}
