// A process that signs once for each line on its standard input, and says on one line how that went.
import { createInterface } from 'node:readline';
import { openToken, type TokenOptions } from '../../../hsm/token.ts';

const [asked = '', label = ''] = process.argv.slice(2);
const at: TokenOptions = JSON.parse(asked);
const say = (words: string) => process.stdout.write(`${words}\n`);
const kindOf = (error: unknown) => (error instanceof Error && 'kind' in error ? String(error.kind) : String(error));

try {
  const token = await openToken({ ...at, uri: undefined });
  const key = (await token.find(label)) ?? (await token.generate(label, 'ec-p256'));
  say(`has ${key.id}`);
  for await (const _ of createInterface({ input: process.stdin })) {
    say(
      await token.sign(key, Buffer.of(1)).then(
        () => 'signed',
        (error: unknown) => kindOf(error),
      ),
    );
  }
} catch (error) {
  say(kindOf(error));
}
process.exit();
