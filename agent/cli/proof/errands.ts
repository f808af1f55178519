import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isModuleOf } from '../../../hsm/known-modules.ts';
import type { NewToken } from '../../../hsm/new-token.ts';
import type { SeenToken } from '../../../hsm/slots.ts';
import type { TlsSettings } from '../../../hsm/tls-way.ts';
import { secretDirectory } from '../../machine/runtime-directory.ts';
import type { NetworkSettings } from '../../network/network.ts';
import type { Leaf } from '../../roll/leaf.ts';
import type { TokenLogin } from './place.ts';

/** Another ID scope, and what a connection to DPS needs. */
export interface TriedScope extends TokenLogin {
  readonly scope: string;
  /** The ID scope that has worked. */
  readonly kept: string;
  readonly endpoint: string;
  readonly registrationId: string;
  readonly leaf: Leaf;
  /** The file with the CAs of DPS. */
  readonly caFile: string;
  readonly network: NetworkSettings;
}

/** A key in the token. */
export interface FoundKey {
  readonly label: string;
  /** CKA_ID in lower-case hex. */
  readonly id: string;
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly spki: string;
  /** The certificates beside it, PEM. */
  readonly chain: string;
}

export interface OnboardingKey extends TokenLogin {
  readonly label: string;
  readonly id: string;
  readonly isUsed: boolean;
}

/** Work that needs no token that is open already. Loaded when needed: a module may break the process that loads it. */
export const ERRANDS = {
  /** The tokens that a module shows. */
  async tokens(module: string): Promise<readonly SeenToken[]> {
    const { tokensOf } = await import('../../../hsm/slots.ts');
    return withStore(module, () => tokensOf(module));
  },
  /** One login, and whether there is what does TLS. */
  async login(asked: TokenLogin): Promise<void> {
    await ERRANDS.findTls(asked);
    await opened(asked);
  },
  /** Whether there is what does TLS, without a look into any token. */
  async findTls(asked: TlsSettings): Promise<void> {
    const { prepareTls } = await import('../../../hsm/tls-way.ts');
    await prepareTls(asked);
  },
  async makeToken(asked: NewToken): Promise<void> {
    const { makeToken } = await import('../../../hsm/new-token.ts');
    await withStore(undefined, async () => makeToken(asked));
  },
  /** The keys that TLS could use. */
  async keysIn(asked: TokenLogin): Promise<readonly FoundKey[]> {
    const { certificatePem } = await import('../../certificate/pem.ts');
    const token = await opened(asked);
    const found: FoundKey[] = [];
    for (const { label, id, spki } of await token.usable()) {
      const chain = (await token.certificates(id)).map(certificatePem).join('');
      found.push({ label, id, spki: spki.toString('base64'), chain });
    }
    return found;
  },
  /** Brings a private key (PEM) into the token. */
  async importKey({ label, key, ...asked }: TokenLogin & Readonly<Record<'label' | 'key', string>>): Promise<void> {
    const { createPrivateKey } = await import('node:crypto');
    const { sync } = await import('../../state/durable.ts');
    await (await opened(asked)).importKey(label, createPrivateKey(key));
    // SoftHSM 2.6.1 writes without fsync.
    await sync();
  },
  /**
   * Makes the onboarding key with this CKA_ID (hex), unless it is there.
   * @param isUsed the configuration names it already
   */
  async makeOnboardingKey({ label, id, isUsed, ...asked }: OnboardingKey): Promise<void> {
    const { onboardingKey } = await import('../../keys/onboarding-key.ts');
    const { destroyerOf } = await import('../../../hsm/destroy.ts');
    const { sync } = await import('../../state/durable.ts');
    const token = await opened(asked);
    const { module, pin, notes } = asked;
    const destroy = destroyerOf({ module, token: token.name, pin: async () => pin, pinRecord: notes });
    await onboardingKey(token, { label, id, isUsed, destroy });
    await sync();
  },
  /** Why the user of this process cannot read a file: the code of the system, as ENOENT. Undefined where it can. */
  whyUnreadable: (file: string): Promise<string | undefined> =>
    readFile(file).then(
      () => undefined,
      ({ code }: NodeJS.ErrnoException) => code ?? 'EIO',
    ),
  /** Whether DPS refuses an ID scope, and no outage does. */
  async refusesScope(tried: TriedScope): Promise<boolean> {
    const { scope, kept, leaf, caFile, network, endpoint, registrationId, ...login } = tried;
    const { prepareTls } = await import('../../../hsm/tls-way.ts');
    const { TokenConnectors } = await import('../../../hsm/tls.ts');
    const { refusesScope } = await import('../../dps/trial.ts');
    const { readAuthorities } = await import('../../machine/named-file.ts');
    const { networkOf } = await import('../../network/network.ts');
    const ca = await readAuthorities('trust.ca_file', caFile);
    const helped = await prepareTls(login);
    const connectors = new TokenConnectors(await opened(login), login.pin, secretDirectory(process.env), helped);
    const connector = await connectors.connector({ id: leaf.key.id, chain: leaf.chain, ca });
    return refusesScope({ endpoint, registrationId, connector, reach: networkOf(network).reach }, scope, kept);
  },
};

async function opened(login: TokenLogin) {
  const { openToken } = await import('../../../hsm/token.ts');
  return openToken(login);
}

/** The default stores of tpm2-pkcs11. */
const storesOf = ({ HOME = '/' }: NodeJS.ProcessEnv) => ['/etc/tpm2_pkcs11', join(HOME, '.tpm2_pkcs11')];

/**
 * tpm2-pkcs11 1.9.0 does not make the directory that TPM2_PKCS11_STORE names, and where it finds no store at all, it answers
 * CKR_GENERAL_ERROR instead of showing the slot for a new token. A mere look gets an empty store for as long as it takes.
 * @param looksInto the module, where it is only looked into
 */
async function withStore<T>(looksInto: string | undefined, work: () => T | Promise<T>): Promise<T> {
  const { TPM2_PKCS11_STORE: named } = process.env;
  if (named !== undefined && named !== '') {
    await mkdir(named, { recursive: true, mode: 0o700 });
    return work();
  }
  if (looksInto === undefined || !isModuleOf('tpm', looksInto) || storesOf(process.env).some(existsSync)) return work();
  const empty = await mkdtemp(join(tmpdir(), 'newleaf-store-'));
  process.env.TPM2_PKCS11_STORE = empty;
  try {
    return await work();
  } finally {
    await rm(empty, { recursive: true });
  }
}
