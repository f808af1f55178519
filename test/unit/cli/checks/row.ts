import assert from 'node:assert/strict';
import { examine } from '../../../../agent/cli/checks/examine.ts';
import { CHECKS } from '../../../../agent/cli/checks/list.ts';
import type { Dialled } from '../../../../agent/cli/proof/dial.ts';
import type { Site } from '../../../../agent/cli/proof/site.ts';
import type { Leaf } from '../../../../agent/roll/leaf.ts';
import { CONFIG, currentLeaf, dialled, entry, siteWith } from '../gateway.ts';

/** What a check finds where the gateway is so: outcome, code if any, and the words. */
export type Row = readonly [name: string, change: Partial<Site>, found: RegExp, toml?: string];

/** The rows of each check, by its name. */
export type Rows = Readonly<Record<string, readonly Row[]>>;

/** The same rows, with this configuration. */
export const under = (toml: string, rows: readonly Row[]): readonly Row[] =>
  rows.map(([name, change, expected]) => [name, change, expected, toml]);

export const DAY = 86_400_000;

/** What one check finds by itself: `outcome`, code if any, the words, and what to do. */
export async function found(id: string, change: Partial<Site>, toml = CONFIG): Promise<string> {
  const check = CHECKS.find((one) => one.id === id);
  assert.ok(check !== undefined);
  for await (const { outcome, code, message, advice } of examine([check], siteWith(change, toml))) {
    assert.ok(outcome === 'ok' || outcome === 'skipped' || advice !== undefined, 'each failure names the next step');
    return [outcome, code, message, advice === undefined ? undefined : `-> ${advice}`]
      .filter((part) => part !== undefined)
      .join(' ');
  }
  throw new Error('no result');
}

export const fails = (error: Error) => async (): Promise<never> => {
  throw error;
};

/** An error of the file system. */
export const errno = (code: string, path = '/x'): Error => Object.assign(new Error(`${code}: ${path}`), { code, path });

export const withLeaf =
  (change: Partial<Leaf>, more: object = {}): Site['entry'] =>
  async () => ({ ...entry, ...more, current: { ...currentLeaf, ...change } });

export const withoutLeaf: Site['entry'] = async () => {
  const { current: _, assignment: _hub, ...rest } = entry;
  return rest;
};

export const shows =
  (change: Partial<Dialled>): Site['dial'] =>
  async () => ({ ...dialled, ...change });

/** The configuration with a line added to a section, which is made where it is missing. */
export function settingIn(section: string, line: string, toml = CONFIG): string {
  const head = `[${section}]\n`;
  return toml.includes(head) ? toml.replace(head, `${head}${line}\n`) : `${toml}${head}${line}\n`;
}

/** Azure issues the leaves. */
export const BY_AZURE = settingIn('onboarding', 'key = "pkcs11:object=factory"').replace('"inbox"', '"azure"');

/** A server that gives this answer to everything. */
export const answers =
  (status: number, body: object | string = ''): Site['exchange'] =>
  async () => ({
    status,
    headers: {},
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    cut: false,
  });
