// A process that has the token open, and says on one line how each thing went that a line on its standard input asks for:
// `sign`, `make LABEL`, `find LABEL`.
import { createInterface } from 'node:readline';
import { openToken } from '../../../hsm/token.ts';
import { freshId } from './fresh-id.ts';
import type { Asked } from './signer.ts';

const { module, token: called, pin, pinRecord, label }: Asked = JSON.parse(process.argv[2] ?? '');
const say = (words: string) => process.stdout.write(`${words}\n`);
const kindOf = (error: unknown) => (error instanceof Error && 'kind' in error ? String(error.kind) : String(error));

try {
  const token = await openToken({ module, token: called, uri: undefined, pin, notes: pinRecord });
  const key = (await token.find(label)) ?? (await token.generate(label, 'ec-p256', freshId()));
  const work: Readonly<Record<string, (name: string) => Promise<string>>> = {
    sign: () => token.sign(key, Buffer.of(1)).then(() => 'signed'),
    make: async (name) => `has ${(await token.generate(name, 'ec-p256', freshId())).id}`,
    find: async (name) => `has ${(await token.find(name))?.id}`,
  };
  say(`has ${key.id}`);
  for await (const line of createInterface({ input: process.stdin })) {
    const [what = '', name = ''] = line.split(' ');
    say(await (work[what]?.(name) ?? Promise.resolve('what?')).catch(kindOf));
  }
} catch (error) {
  say(kindOf(error));
}
process.exit();
