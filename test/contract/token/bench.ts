import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import pkcs11js, { type Handle, type PKCS11, type Template } from 'pkcs11js';
import { startedBy } from '../../../hsm/job.ts';
import { mild } from '../../../hsm/module.ts';
import { openToken, type Token } from '../../../hsm/token.ts';
import type { TestToken } from './softhsm.ts';

/** What a contract test has before it: the token under test, and a second look at it that does not go through hsm/. */
export interface Bench {
  readonly at: TestToken;
  readonly token: Token;
  readonly raw: RawSession;
}

/** Opens the token, once for all tests of a file: the module belongs to the process. */
export async function openBench(at: TestToken): Promise<Bench> {
  const token = await openToken({ module: at.module, token: at.token, uri: undefined, pin: at.pin });
  await setDestroyer(at.directory);
  return { at, token, raw: new RawSession(at) };
}

/** From here on destroyKey starts the one of these tests. @param directory where its bundle goes */
export async function setDestroyer(directory: string): Promise<void> {
  startedBy(await bundled('destroy-child', directory));
}

/**
 * argv of a process that runs a file of this directory, bundled as it is in a package: loaded as TypeScript it starts five
 * times slower.
 * @param directory where the bundle goes
 */
export async function bundled(name: string, directory: string): Promise<readonly string[]> {
  const outfile = join(directory, `${name}.mjs`);
  const pkcs11 = createRequire(import.meta.url).resolve('pkcs11js');
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    plugins: [
      {
        name: 'native module stays where it is',
        setup: ({ onResolve }) => onResolve({ filter: /^pkcs11js$/ }, () => ({ path: pkcs11, external: true })),
      },
    ],
  });
  return [process.execPath, outfile];
}

/** A session of the test's own. Where the module keeps its state for each caller (p11-kit-client), it logs in itself. */
export class RawSession {
  readonly #module: PKCS11;
  readonly #session: Handle;

  constructor({ module, token, pin }: TestToken) {
    this.#module = new pkcs11js.PKCS11();
    this.#module.load(module);
    mild(pkcs11js.CKR_CRYPTOKI_ALREADY_INITIALIZED, () =>
      this.#module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK }),
    );
    const slot = this.#module
      .C_GetSlotList(true)
      .find((one) => this.#module.C_GetTokenInfo(one).label.trimEnd() === token);
    if (slot === undefined) throw new Error(`no token ${token}`);
    this.#session = this.#module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    mild(pkcs11js.CKR_USER_ALREADY_LOGGED_IN, () => this.#module.C_Login(this.#session, pkcs11js.CKU_USER, pin));
  }

  find(template: Template): Handle[] {
    this.#module.C_FindObjectsInit(this.#session, template);
    try {
      return this.#module.C_FindObjects(this.#session, 100);
    } finally {
      this.#module.C_FindObjectsFinal(this.#session);
    }
  }

  read(object: Handle, type: number): Buffer | undefined {
    return this.#module.C_GetAttributeValue(this.#session, object, [{ type }])[0]?.value;
  }

  destroy(template: Template): void {
    for (const one of this.find(template)) this.#module.C_DestroyObject(this.#session, one);
  }

  /** A key pair of somebody else: `label` on the private half, `publicLabel` on the public one. */
  generate(label: string, publicLabel: string, id: Buffer): void {
    const common = [
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_ID, value: id },
    ];
    this.#module.C_GenerateKeyPair(
      this.#session,
      { mechanism: pkcs11js.CKM_EC_KEY_PAIR_GEN },
      [
        ...common,
        { type: pkcs11js.CKA_LABEL, value: publicLabel },
        { type: pkcs11js.CKA_VERIFY, value: true },
        { type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from('06082a8648ce3d030107', 'hex') },
      ],
      [
        ...common,
        { type: pkcs11js.CKA_LABEL, value: label },
        { type: pkcs11js.CKA_PRIVATE, value: true },
        { type: pkcs11js.CKA_SIGN, value: true },
        { type: pkcs11js.CKA_SENSITIVE, value: true },
        { type: pkcs11js.CKA_EXTRACTABLE, value: false },
      ],
    );
  }

  /** What libp11 does to a module when nothing holds its engine any more. */
  finalize(): void {
    this.#module.C_Finalize();
  }

  /** Class, label and CKA_ID of every key and certificate in the token, sorted. */
  inventory(): string[] {
    const kinds = {
      certificate: pkcs11js.CKO_CERTIFICATE,
      public: pkcs11js.CKO_PUBLIC_KEY,
      private: pkcs11js.CKO_PRIVATE_KEY,
    };
    return Object.entries(kinds)
      .flatMap(([kind, value]) =>
        this.find([{ type: pkcs11js.CKA_CLASS, value }]).map((one) => {
          const id = this.read(one, pkcs11js.CKA_ID)?.toString('hex');
          return `${kind} ${this.read(one, pkcs11js.CKA_LABEL)} ${id}`;
        }),
      )
      .sort();
  }
}
