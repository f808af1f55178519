import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '../../../hsm/job.ts';
import { failureOf } from '../../failure/failure-of.ts';
import type { Errands, FoundKey, Role, TriedLogin } from './errands.ts';
import { isTpmModule } from './tpm-unit.ts';

/** The job of the process that errands.ts starts: becomes the given user, runs one errand, and ends. */
export const errandJob: Job = {
  ends: 'after one call',
  async perform(name, [role, asked]) {
    const { account, unit } = role as Role;
    if (account !== undefined) {
      const { turnInto } = await import('../../machine/turn.ts');
      turnInto(account, unit);
    }
    // Both ends are this program, so the argument fits the errand.
    const errand = ERRANDS[name as keyof Errands] as (asked: unknown) => Promise<unknown>;
    return withStore(name === 'tokens' ? String(asked) : undefined, () => errand(asked));
  },
  explain: failureOf,
};

/** The default stores of tpm2-pkcs11. */
const storesOf = ({ HOME = '/' }: NodeJS.ProcessEnv) => ['/etc/tpm2_pkcs11', join(HOME, '.tpm2_pkcs11')];

/**
 * tpm2-pkcs11 1.9.0 does not make the directory that TPM2_PKCS11_STORE names, and where it finds no store at all, it answers
 * CKR_GENERAL_ERROR instead of showing the slot for a new token. A mere look gets an empty store for as long as it takes.
 * @param looksInto the module, where it is only looked into
 */
async function withStore<T>(looksInto: string | undefined, work: () => Promise<T>): Promise<T> {
  const { TPM2_PKCS11_STORE: named } = process.env;
  if (named !== undefined && named !== '') {
    await mkdir(named, { recursive: true, mode: 0o700 });
    return work();
  }
  if (looksInto === undefined || !isTpmModule(looksInto) || storesOf(process.env).some(existsSync)) return work();
  const empty = await mkdtemp(join(tmpdir(), 'newleaf-store-'));
  process.env.TPM2_PKCS11_STORE = empty;
  try {
    return await work();
  } finally {
    await rm(empty, { recursive: true });
  }
}

async function opened({ module, token, uri, pin, pinRecord }: TriedLogin) {
  const { openToken } = await import('../../../hsm/token.ts');
  return openToken({ module, token, uri, pin, notes: pinRecord });
}

/** Loaded when needed: a module that breaks this process is told by the name of its errand. */
const ERRANDS: Errands = {
  async tokens(module) {
    const { tokensOf } = await import('../../../hsm/slots.ts');
    return tokensOf(module);
  },
  async login(asked) {
    const { prepareTls } = await import('../../../hsm/tls-way.ts');
    await prepareTls(asked);
    await opened(asked);
  },
  async findTls(asked) {
    const { prepareTls } = await import('../../../hsm/tls-way.ts');
    await prepareTls(asked);
  },
  async keysIn(asked) {
    const { certificatePem } = await import('../../certificate/pem.ts');
    const token = await opened(asked);
    const found: FoundKey[] = [];
    for (const { label, id, spki } of await token.usable()) {
      const chain = (await token.certificates(id)).map(certificatePem).join('');
      found.push({ label, id, spki: spki.toString('base64'), chain });
    }
    return found;
  },
  async importKey({ label, key, ...asked }) {
    const { createPrivateKey } = await import('node:crypto');
    const { sync } = await import('../../state/durable.ts');
    await (await opened(asked)).importKey(label, createPrivateKey(key));
    // SoftHSM 2.6.1 writes without fsync.
    await sync();
  },
  whyUnreadable: (file) =>
    readFile(file).then(
      () => undefined,
      ({ code }: NodeJS.ErrnoException) => code ?? 'EIO',
    ),
  async makeToken(asked) {
    const { makeToken } = await import('../../../hsm/new-token.ts');
    makeToken(asked);
  },
  async refusesScope({ scope, kept, leaf, caFile, network, endpoint, registrationId, ...login }) {
    const { MEMORY } = await import('../../../hsm/pin.ts');
    const { prepareTls } = await import('../../../hsm/tls-way.ts');
    const { TokenConnectors } = await import('../../../hsm/tls.ts');
    const { refusesScope } = await import('../../dps/trial.ts');
    const { readAuthorities } = await import('../../machine/named-file.ts');
    const { networkOf } = await import('../../network/network.ts');
    const ca = await readAuthorities('trust.ca_file', caFile);
    const helped = await prepareTls(login);
    const connectors = new TokenConnectors(await opened(login), login.pin, MEMORY, helped);
    const connector = await connectors.connector({ id: leaf.key.id, chain: leaf.chain, ca });
    return refusesScope({ endpoint, registrationId, connector, reach: networkOf(network).reach }, scope, kept);
  },
};
