import type { Answer, Ask } from '../../agent/ask/ask.ts';
import { leafIn } from '../../agent/roll/candidate.ts';
import { type Gateway, MINUTE } from './gateway.ts';

/** A request to the daemon. One that is accepted must end. */
export async function ask(gateway: Gateway, asked: Ask): Promise<Answer | undefined> {
  const { daemon, log, broken } = gateway;
  try {
    const answer = await daemon?.answer(asked);
    if (answer?.is === 'accepted') log.accepted.add(answer.id);
    return answer;
  } catch (error) {
    broken.push(`an answer throws: ${error}`);
    return undefined;
  }
}

/** A person has the CSR signed, by the CA of this gateway or by another, and installs what comes back. */
export async function bring(
  gateway: Gateway,
  { isStrange = false, from = 'technician' }: Brought = {},
  tries = 3,
): Promise<void> {
  const answer = await csrOf(gateway, tries);
  if (answer?.is !== 'csr') return;
  const { world } = gateway;
  const leaf = world.issue(JSON.parse(answer.csr), { isStrange });
  if (!isStrange) world.enrolled.add(leaf.thumbprint);
  await ask(gateway, { kind: 'install', from, delivered: Buffer.from(JSON.stringify(leaf)) });
}

interface Brought {
  readonly isStrange?: boolean;
  readonly from?: 'technician' | 'method';
}

/** Where newleaf is busy, the person asks again as it says. */
async function csrOf(gateway: Gateway, tries: number): Promise<Answer | undefined> {
  const answer = await ask(gateway, { kind: 'csr', from: 'technician' });
  if (answer?.is === 'busy' && answer.failure.code === 'NL-BUSY' && tries > 1) {
    await gateway.clock.sleep(MINUTE);
    return csrOf(gateway, tries - 1);
  }
  const wantsAnother = answer !== undefined && 'failure' in answer && answer.failure.advice.includes('csr --new-key');
  return wantsAnother ? ask(gateway, { kind: 'csr', from: 'technician', newKey: true }) : answer;
}

/** The operator puts every leaf that the gateway names into the enrollment, and enables it. */
export function enroll({ world, known }: Gateway): void {
  for (const leaf of [known?.current, leafIn(known?.next)]) if (leaf) world.enrolled.add(leaf.thumbprint);
  world.enabled = true;
}
