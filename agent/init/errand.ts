import { mkdir, readFile } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { answerFromStdin } from '../../hsm/child.ts';
import { failureOf } from '../thrown.ts';
import type { Brought, Errand, Order } from './errands.ts';

/** The body of the child: becomes who it is told to be, runs one errand, and ends. */
export function runErrand(input: Readable, output: Writable): Promise<void> {
  return answerFromStdin(input, output, 'Setting up', async (order): Promise<Brought> => {
    try {
      const { account, unit, errand } = order as Order;
      if (account !== undefined) {
        const { turnInto } = await import('../become.ts');
        turnInto(account, unit);
      }
      // JSON knows no undefined.
      await makeStore(process.env);
      return { value: (await run(errand)) ?? null };
    } catch (error) {
      return { failure: failureOf(error) };
    }
  });
}

/** tpm2-pkcs11 1.9.1 does not make the directory that this variable names, and then answers nothing but errors. */
async function makeStore({ TPM2_PKCS11_STORE: store }: NodeJS.ProcessEnv): Promise<void> {
  if (store !== undefined && store !== '') await mkdir(store, { recursive: true, mode: 0o700 });
}

/** Loaded by need: a module that breaks this process is told by the name of its errand. */
async function run(errand: Errand): Promise<unknown> {
  switch (errand.kind) {
    case 'tokens': {
      const { tokensOf } = await import('../../hsm/slots.ts');
      return tokensOf(errand.module);
    }
    case 'login': {
      const { pinRecord, token, uri, ...rest } = errand.asked;
      const { prepareEngine } = await import('../../hsm/engine.ts');
      const { PinRecord } = await import('../../hsm/pin-record.ts');
      const { openToken } = await import('../../hsm/token.ts');
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
      const { makeToken } = await import('../../hsm/new-token.ts');
      return makeToken(errand.asked);
    }
    case 'try-est': {
      const { tryEst } = await import('../issuer/trial.ts');
      return tryEst(errand.asked);
    }
  }
}
