import assert from 'node:assert/strict';
import { parseConfig } from '../../../agent/config/config.ts';
import { Fault } from '../../../agent/failure/failure.ts';

/** The complaints about a text, without the file name. */
export function complaints(toml: string): readonly string[] {
  try {
    parseConfig(toml, 'FILE');
    return [];
  } catch (error) {
    assert.ok(error instanceof Fault);
    assert.equal(error.failure.code, 'NL-CONFIG');
    return error.failure.message.split('\n').map((line) => line.replace(/^FILE:? ?/, ''));
  }
}
