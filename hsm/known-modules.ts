export interface KnownModule {
  readonly name: string;
  /** Below a library directory; the first one found is taken. */
  readonly files: readonly string[];
  /** The Debian package, where there is one. */
  readonly package?: string;
}

const SOFTHSM: KnownModule = {
  name: 'SoftHSM',
  files: ['softhsm/libsofthsm2.so', 'pkcs11/libsofthsm2.so', 'libsofthsm2.so'],
  package: 'softhsm2',
};

const TPM: KnownModule = {
  name: 'TPM',
  files: ['pkcs11/libtpm2_pkcs11.so', 'libtpm2_pkcs11.so', 'libtpm2_pkcs11.so.1'],
  package: 'libtpm2-pkcs11-1',
};

/** The tokens that newleaf can make by itself: their modules always have a free slot. */
export const MAKEABLE = { softhsm: SOFTHSM, tpm: TPM } as const;

/** @param path of the module */
export const isModuleOf = (kind: keyof typeof MAKEABLE, path: string): boolean =>
  MAKEABLE[kind].files.some((file) => path.endsWith(`/${file}`));

/** Every known module, by its usual names in Debian, Fedora, Yocto and the archives of the vendors. */
export const KNOWN_MODULES: readonly KnownModule[] = [
  TPM,
  { name: 'YubiHSM', files: ['pkcs11/yubihsm_pkcs11.so', 'yubihsm_pkcs11.so'], package: 'yubihsm-pkcs11' },
  { name: 'YubiKey', files: ['libykcs11.so', 'libykcs11.so.2'], package: 'ykcs11' },
  { name: 'smart card', files: ['pkcs11/opensc-pkcs11.so', 'opensc-pkcs11.so'], package: 'opensc-pkcs11' },
  { name: 'secure element', files: ['libcryptoauth.so', 'pkcs11/libcryptoauth.so'] },
  { name: 'OP-TEE', files: ['libckteec.so', 'libckteec.so.0'] },
  { name: 'NetHSM', files: ['pkcs11/libnethsm_pkcs11.so', 'libnethsm_pkcs11.so'] },
  {
    name: 'opencryptoki',
    files: ['pkcs11/libopencryptoki.so', 'opencryptoki/libopencryptoki.so'],
    package: 'opencryptoki',
  },
  SOFTHSM,
];

const LIBRARIES = ['/usr/lib', '/usr/lib64', '/usr/local/lib', '/usr/local/lib64', '/opt/lib'];

/** Multiarch names of Debian, by process.arch. */
const TRIPLETS: Readonly<Record<string, string>> = {
  arm: 'arm-linux-gnueabihf',
  arm64: 'aarch64-linux-gnu',
  ia32: 'i386-linux-gnu',
  riscv64: 'riscv64-linux-gnu',
  x64: 'x86_64-linux-gnu',
};

/** The library directories of this architecture. @param arch process.arch */
export function libraryDirectories(arch: string): readonly string[] {
  const triplet = TRIPLETS[arch];
  return triplet === undefined ? LIBRARIES : [`/usr/lib/${triplet}`, ...LIBRARIES, `/usr/local/lib/${triplet}`];
}

/** Where the OpenSSL of Debian, Yocto, Fedora and openSUSE has its parts. @param arch process.arch @param part as engines-3 */
export function opensslDirectories(arch: string, part: string): readonly string[] {
  const triplet = TRIPLETS[arch];
  const libraries = triplet === undefined ? ['lib', 'lib64'] : [`lib/${triplet}`, 'lib', 'lib64'];
  return libraries.map((directory) => `/usr/${directory}/${part}`);
}
