import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig, type X509Config, x509Of } from '../../config.ts';
import { validateEntry } from '../../entry.ts';
import { createJournal } from '../../journal.ts';
import { statusOf } from '../status.ts';
import { dial } from './dial.ts';
import type { Site } from './site.ts';

export interface SiteOptions {
  /** The configuration. */
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  readonly now: number;
}

/** This gateway. What brings pkcs11js with it is loaded when a check asks: where that cannot be loaded, the others still run. */
export function siteHere({ file, env, now }: SiteOptions): Site {
  const config = once(async () => loadConfig(file));
  const settings = async () => (await config()).config;
  const slot = once(async () => {
    const { hsm } = x509Of(await settings());
    const { findSlot, loadModule } = await import('../../../hsm/module.ts');
    return findSlot(loadModule(hsm.module), hsm.token, hsm.uri);
  });
  return {
    now,
    env,
    config,
    slot,
    entry: once(async () => {
      const { directory } = (await settings()).state;
      await assertReadable(join(directory, 'state.json'));
      return createJournal({ directory, validate: validateEntry }).read();
    }),
    async mode(path) {
      const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return 'absent' as const;
        throw error;
      });
      return found === 'absent' ? found : found.mode & 0o777;
    },
    async loadModule() {
      const { loadModule } = await import('../../../hsm/module.ts');
      loadModule(x509Of(await settings()).hsm.module);
    },
    token: once(async () => openToken(x509Of(await settings()), env)),
    async prepareEngine() {
      const { prepareEngine } = await import('../../../hsm/engine.ts');
      prepareEngine(x509Of(await settings()).hsm.module);
    },
    status: once(async () => statusOf((await settings()).control.socket)),
    async dial(host) {
      const { trust } = await settings();
      return dial(host, await readFile(trust.ca_file, 'utf8'));
    },
  };
}

async function openToken({ hsm, state }: X509Config, env: NodeJS.ProcessEnv) {
  const { readPin } = await import('../../../hsm/pin.ts');
  const token = await import('../../../hsm/token.ts');
  const { PinRecord } = await import('../../../hsm/pin-record.ts');
  const pin = await readPin({ file: hsm.pin_file, credentialsDirectory: env.CREDENTIALS_DIRECTORY });
  const pinRecord = new PinRecord(state.directory);
  return token.openToken({ module: hsm.module, token: hsm.token, uri: hsm.uri, pin, pinRecord });
}

/** The journal calls a file that may not be read corrupt; here that is no finding about the gateway. */
async function assertReadable(path: string): Promise<void> {
  try {
    await (await open(path)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw error;
  }
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}
