import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { answerFromStdin } from '../../../hsm/child.ts';
import { failureOf } from '../../failure/failure-of.ts';
import type { Brought, Errand, Order } from './errands.ts';
import { isTpmModule } from './tpm-unit.ts';

/** The body of the child: becomes who it is told to be, runs one errand, and ends. */
export function runErrand(input: Readable, output: Writable): Promise<void> {
  return answerFromStdin(input, output, 'Setting up', async (order): Promise<Brought> => {
    try {
      const { account, unit, errand } = order as Order;
      if (account !== undefined) {
        const { turnInto } = await import('../../machine/turn.ts');
        turnInto(account, unit);
      }
      // JSON knows no undefined.
      return { value: (await withStore(errand, () => run(errand))) ?? null };
    } catch (error) {
      return { failure: failureOf(error) };
    }
  });
}

/** Where tpm2-pkcs11 keeps its tokens, where nothing else is said. */
const storesOf = ({ HOME = '/' }: NodeJS.ProcessEnv) => ['/etc/tpm2_pkcs11', join(HOME, '.tpm2_pkcs11')];

/**
 * tpm2-pkcs11 1.9.0 does not make the directory that TPM2_PKCS11_STORE names, and where it finds no store at all, it answers
 * CKR_GENERAL_ERROR instead of showing the slot for a new token. Whoever only looks is given an empty one for the while.
 */
async function withStore<T>(errand: Errand, work: () => Promise<T>): Promise<T> {
  const { TPM2_PKCS11_STORE: named } = process.env;
  if (named !== undefined && named !== '') {
    await mkdir(named, { recursive: true, mode: 0o700 });
    return work();
  }
  if (errand.kind !== 'tokens' || !isTpmModule(errand.module) || storesOf(process.env).some(existsSync)) return work();
  const empty = await mkdtemp(join(tmpdir(), 'newleaf-store-'));
  process.env.TPM2_PKCS11_STORE = empty;
  try {
    return await work();
  } finally {
    await rm(empty, { recursive: true });
  }
}

/** Loaded by need: a module that breaks this process is told by the name of its errand. */
async function run(errand: Errand): Promise<unknown> {
  switch (errand.kind) {
    case 'tokens': {
      const { tokensOf } = await import('../../../hsm/slots.ts');
      return tokensOf(errand.module);
    }
    case 'login': {
      const { pinRecord, token, uri, ...rest } = errand.asked;
      const { prepareEngine } = await import('../../../hsm/engine.ts');
      const { PinRecord } = await import('../../../hsm/pin-record.ts');
      const { openToken } = await import('../../../hsm/token.ts');
      prepareEngine(rest.module);
      await openToken({ ...rest, token, uri, pinRecord: new PinRecord(pinRecord) });
      return undefined;
    }
    case 'read':
      return readFile(errand.file).then(
        () => undefined,
        ({ code }: NodeJS.ErrnoException) => code ?? 'EIO',
      );
    case 'make-token': {
      const { makeToken } = await import('../../../hsm/new-token.ts');
      return makeToken(errand.asked);
    }
    case 'try-est': {
      const { tryEst } = await import('../../issuer/trial.ts');
      return tryEst(errand.asked);
    }
  }
}
