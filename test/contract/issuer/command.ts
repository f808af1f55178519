import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { asked } from './asked.ts';
import type { Open } from './way.ts';
import { granted, ordinary, pemOf, type Wish } from './wish.ts';

/** What an operator might write: the request goes to the CA of the house, and what comes back is printed. */
const PROGRAM = `
import { text } from 'node:stream/consumers';
const response = await fetch(process.argv[2], { method: 'POST', body: await text(process.stdin) });
process.stdout.write(await response.text());
`;

/** A command of the operator's own, in front of a CA that speaks plain HTTP. */
export const openCommand: Open = async (far) => {
  let wish: Wish = ordinary;
  let issued = 0;
  const ca = createServer(async (request, response) => {
    issued += 1;
    response.end(pemOf(await granted(wish, await text(request), far)));
  });
  ca.listen(0, '127.0.0.1');
  await once(ca, 'listening');
  const { port } = ca.address() as AddressInfo;
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-command-'));
  const program = join(directory, 'sign.mjs');
  writeFileSync(program, PROGRAM);
  const obey = async (wanted: Wish) => {
    wish = wanted;
  };
  return {
    settings: {
      'leaf.issuer': '"command"',
      'issuer.command.argv': JSON.stringify([process.execPath, program, `http://127.0.0.1:${port}/`]),
    },
    way: (gateway) => asked(gateway, { obey, issued: () => issued }),
    async close() {
      ca.close();
      ca.closeAllConnections();
      rmSync(directory, { recursive: true });
    },
  };
};
