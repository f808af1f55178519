import assert from 'node:assert/strict';
import { join } from 'node:path';
import { commandsIn } from '../unit/arrows/commands.ts';
import type { Ended, Gateway } from './stage/gateway.ts';
import type { Site } from './stage/site.ts';

const flat = ({ out, err }: Ended): string => `${out}${err}`.replaceAll(/(\s\\)?\s+/g, ' ');

/** What a screen of newleaf prints after its arrow must have these commands, in this order. */
export async function prints(gateway: Gateway, argv: readonly string[], code: string, commands: readonly string[]) {
  const [before, told = before] = flat(await gateway.command(...argv)).split('What to do');
  const text = told ?? '';
  assert.ok(text.includes(code), text);
  const [, arrow = ''] = text.slice(text.indexOf(code)).split(/→ /);
  const found = commandsIn(arrow.includes('`') ? arrow : `\`${arrow.trim()}\``);
  assert.deepEqual(found.slice(0, commands.length), commands, text);
}

/** Types a command of newleaf. @returns what it prints */
export async function types(gateway: Gateway, ...argv: readonly string[]): Promise<string> {
  const { code, out, err } = await gateway.command(...argv);
  assert.equal(code, 0, `${argv.join(' ')}\n${out}${err}`);
  return out;
}

/** The CSR that was printed is signed, and the leaf installed. */
export async function signs({ far, gateway }: Site, csr: string): Promise<void> {
  gateway.file('signed.pem', await far.issue(csr), 0o644);
  await types(gateway, 'install', join(gateway.directory, 'signed.pem'), '--wait');
}
