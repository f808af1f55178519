import { test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import { site } from '../stage/site.ts';
import { type LineOptions, line } from './line.ts';
import { story } from './story.ts';

const LINES: readonly (readonly [string, LineOptions])[] = [
  ['IPv6 only', { family: 'ipv6' }],
  ['IPv6 only, with NAT64 and DNS64', { family: 'nat64' }],
  ['1 s each way, and every twentieth packet is lost', { delay: 1, loss: 0.05 }],
];

if (insideNetworkNamespace(import.meta.filename)) {
  for (const [how, options] of LINES) {
    test(`provisioning, refusal and roll: ${how}`, async (t) => {
      const { runner } = await line(t, options);
      await story(t, await site(t, { runner }));
    });
  }
}
