import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { findModules } from '../../../hsm/find-modules.ts';

const places: string[] = [];
after(() => {
  for (const place of places) rmSync(place, { recursive: true });
});

/** A file system with these files in it; a value that begins with -> is a link. */
function machine(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'newleaf-modules-'));
  places.push(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(root + path), { recursive: true });
    if (content.startsWith('->')) symlinkSync(content.slice(2), root + path);
    else writeFileSync(root + path, content);
  }
  return root;
}

const P11 = '/usr/share/p11-kit/modules';

describe('PKCS#11 modules are found', () => {
  const rows: readonly (readonly [
    what: string,
    arch: string,
    files: Readonly<Record<string, string>>,
    found: readonly (readonly [name: string, path: string])[],
  ])[] = [
    ['nowhere', 'x64', {}, []],
    [
      'SoftHSM of Debian',
      'x64',
      { '/usr/lib/softhsm/libsofthsm2.so': '' },
      [['SoftHSM', '/usr/lib/softhsm/libsofthsm2.so']],
    ],
    [
      'in the directory of this architecture, and not of another',
      'arm64',
      {
        '/usr/lib/aarch64-linux-gnu/pkcs11/libtpm2_pkcs11.so': '',
        '/usr/lib/x86_64-linux-gnu/pkcs11/opensc-pkcs11.so': '',
      },
      [['TPM', '/usr/lib/aarch64-linux-gnu/pkcs11/libtpm2_pkcs11.so']],
    ],
    ['on an unknown architecture', 'mips', { '/usr/lib/libckteec.so.0': '' }, [['OP-TEE', '/usr/lib/libckteec.so.0']]],
    [
      'that are mounted into a container, and not their libraries',
      'x64',
      {
        '/hsm/libvendor.so': 'ELF … C_GetFunctionList …',
        '/hsm/libsofthsm2.so': 'C_GetFunctionList',
        '/hsm/libusb-1.0.so.0': 'ELF',
        '/hsm/README': 'C_GetFunctionList',
      },
      [
        ['SoftHSM', '/hsm/libsofthsm2.so'],
        ['libvendor.so', '/hsm/libvendor.so'],
      ],
    ],
    [
      'once, whatever links lead there',
      'x64',
      {
        '/usr/lib/softhsm/libsofthsm2.so': '',
        '/usr/lib/x86_64-linux-gnu/pkcs11/libsofthsm2.so': '->../../softhsm/libsofthsm2.so',
        [`${P11}/softhsm2.module`]: 'module: /usr/lib/softhsm/libsofthsm2.so\n',
      },
      [['SoftHSM', '/usr/lib/softhsm/libsofthsm2.so']],
    ],
    [
      'by the configuration of p11-kit, absolute or in its directory',
      'x64',
      {
        '/opt/vendor/lib.so': '',
        '/usr/lib/x86_64-linux-gnu/pkcs11/odd.so': '',
        '/etc/pkcs11/modules/vendor.module': '# of the vendor\nmodule: /opt/vendor/lib.so  \npriority: 1\n',
        [`${P11}/odd.module`]: 'module: odd.so\n',
      },
      [
        ['vendor', '/opt/vendor/lib.so'],
        ['odd', '/usr/lib/x86_64-linux-gnu/pkcs11/odd.so'],
      ],
    ],
    [
      'but no store of CAs, nothing meant for another program, nothing that is not there',
      'x64',
      {
        '/usr/lib/trust.so': '',
        [`${P11}/trust.module`]: 'module: /usr/lib/trust.so\ntrust-policy: yes\n',
        [`${P11}/browser.module`]: 'module: /usr/lib/trust.so\nenable-in: firefox\n',
        [`${P11}/gone.module`]: 'module: /usr/lib/gone.so\n',
        [`${P11}/remote.module`]: 'remote: |ssh elsewhere p11-kit remote\n',
        [`${P11}/README`]: 'module: /usr/lib/trust.so\n',
      },
      [],
    ],
  ];
  for (const [what, arch, files, found] of rows) {
    test(what, () =>
      assert.deepEqual(
        findModules(arch, machine(files)).map(({ name, path }) => [name, path]),
        found,
      ),
    );
  }
});
