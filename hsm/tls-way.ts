import { createSecureContext } from 'node:tls';
import { TokenError } from './ckr.ts';
import { prepareEngine } from './engine.ts';
import type { Helped } from './tls.ts';

export type TlsWay = 'engine' | 'helper';

export interface TlsSettings {
  readonly module: string;
  readonly tls: 'auto' | TlsWay;
  /** The engine brings the module into this process, and it has crashed there: `auto` takes stunnel, where that is installed. */
  readonly isCrashing?: boolean;
}

/** Where each may be; the usual places by default. */
interface Places {
  readonly engines?: readonly string[];
  readonly programs?: readonly string[];
  readonly providers?: readonly string[];
}

/**
 * Chooses what does TLS with the key in the token.
 * @returns what TokenConnectors needs; undefined for the engine
 * @throws TokenError ENGINE_NOT_FOUND, HELPER_NOT_FOUND; with `auto`, one that names both ways
 */
export async function prepareTls(
  { module, tls, isCrashing = false }: TlsSettings,
  at: Places = {},
): Promise<Helped | undefined> {
  if (tls === 'helper') return helped(module, at);
  const safe = tls === 'auto' && isCrashing ? await helped(module, at).catch(() => undefined) : undefined;
  if (safe !== undefined) return safe;
  try {
    prepareEngine(module, at.engines);
    if (hasEngines()) return undefined;
    throw new TokenError('engine', 'ENGINE_UNSUPPORTED', `Node ${process.version} has no engines of OpenSSL.`);
  } catch (error) {
    if (tls === 'engine' || !(error instanceof TokenError) || error.kind !== 'engine') throw error;
    return helped(module, at).catch((second: Error) => {
      throw new TokenError('engine', error.code, `${error.message} In its place, ${second.message}`, error);
    });
  }
}

async function helped(module: string, { programs, providers }: Places): Promise<Helped> {
  const { findHelper } = await import('./stunnel.ts');
  return { module, helper: findHelper(programs, providers) };
}

/** No engine has this name, so no module is touched: only a Node without engines says that it knows none at all. */
function hasEngines(): boolean {
  try {
    createSecureContext({ privateKeyEngine: 'newleaf-has-none', privateKeyIdentifier: 'none' });
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED');
  }
}
