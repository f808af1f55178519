import type { Code } from '../../roll/failure.ts';
import type { Site } from './site.ts';

export interface Finding {
  readonly outcome: 'ok' | 'warning' | 'skipped' | 'failed';
  /** What was found, in one sentence. */
  readonly message: string;
  readonly code?: Code;
  /** The next command, or the person to call. */
  readonly advice?: string;
}

/** One thing that newleaf relies on. A check changes nothing, and what it throws is a failure (examine.ts). */
export interface Check {
  readonly id: string;
  /** What is true where it is ok. */
  readonly describes: string;
  /** Checks that must be ok, or have only warned, before this one makes sense. */
  readonly needs: readonly string[];
  look(site: Site): Promise<Finding>;
}

export const ok = (message: string): Finding => ({ outcome: 'ok', message });

export function warning(message: string, advice: string): Finding {
  return { outcome: 'warning', message, advice };
}

export function skipped(message: string, advice?: string): Finding {
  return { outcome: 'skipped', message, ...(advice !== undefined && { advice }) };
}

export function failed(code: Code, message: string, advice: string): Finding {
  return { outcome: 'failed', code, message, advice };
}
