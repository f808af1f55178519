import { readFileSync } from 'node:fs';
import { createRequire, wrap } from 'node:module';
import { dirname } from 'node:path';
import { Script } from 'node:vm';
import { cacheOf, readCache } from './cache.ts';

/** What a file of the program exports by default. */
export interface Contents {
  /** Runs the command line. */
  begin(): void;
  /** Does what most starts do, as far as that is possible without a gateway: what has run is in the code cache. */
  rehearse(): Promise<void>;
}

export interface Loaded extends Contents {
  readonly source: Buffer;
  /** What V8 has compiled by now. */
  compiled(): Buffer;
  /** V8 has taken the code cache. */
  readonly isCached: boolean;
}

type Wrapped = (exports: object, require: NodeJS.Require, module: object, filename: string, dirname: string) => void;

/** Loads a CommonJS file as `require` does, with its code cache where there is one that fits. */
export function load(file: string): Loaded {
  const source = readFileSync(file);
  const cachedData = readCache(cacheOf(file), source);
  // Each file of the build is ASCII.
  const script = new Script(wrap(source.toString('latin1')), { filename: file, ...(cachedData && { cachedData }) });
  const module = { exports: {} as { default: Contents } };
  const body = script.runInThisContext() as Wrapped;
  body(module.exports, createRequire(file), module, file, dirname(file));
  const isCached = cachedData !== undefined && script.cachedDataRejected === false;
  return { ...module.exports.default, source, compiled: () => script.createCachedData(), isCached };
}
