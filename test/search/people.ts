import type { Answer, Ask } from '../../agent/ask/ask.ts';
import { keyIn } from './csr.ts';
import { type Gateway, MINUTE } from './gateway.ts';

/** A request to the daemon. One that is accepted must end. */
export async function ask(gateway: Gateway, asked: Ask): Promise<Answer | undefined> {
  const { daemon, log, broken, clock } = gateway;
  log.asked.push(clock.monotonic());
  try {
    const answer = await daemon?.answer(asked);
    if (answer?.is === 'accepted') log.accepted.add(answer.id);
    return answer;
  } catch (error) {
    broken.push(`an answer throws: ${error}`);
    return undefined;
  }
}

interface Brought {
  readonly isStrange?: boolean;
  readonly from?: 'technician' | 'method';
}

/** A person has the CSR signed, by the CA of this gateway or by another, and installs what comes back. */
export async function bring(gateway: Gateway, { isStrange = false, from = 'technician' }: Brought = {}): Promise<void> {
  const { world } = gateway;
  let answer = await patiently(gateway, () => csrOf(gateway));
  // The CA has signed this key before.
  if (answer?.is === 'csr' && !isStrange && !world.signs(keyIn(answer.csr)))
    answer = await patiently(gateway, () => ask(gateway, { kind: 'csr', from: 'technician', newKey: true }));
  if (answer?.is !== 'csr') return;
  const leaf = world.issue(keyIn(answer.csr), { isStrange });
  if (!isStrange) world.enrolled.add(leaf.thumbprint);
  await patiently(gateway, () => ask(gateway, { kind: 'install', from, delivered: Buffer.from(leaf.chain) }));
}

const TRIES = 5;

/** Where newleaf is busy, the person asks again as it says. */
async function patiently(gateway: Gateway, asking: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
  for (let left = TRIES; ; left -= 1) {
    const answer = await asking();
    if (answer?.is !== 'busy' || answer.failure.code !== 'NL-BUSY' || left === 0) return answer;
    await gateway.clock.sleep(MINUTE);
  }
}

/** Where the answer says so, with another key. */
async function csrOf(gateway: Gateway): Promise<Answer | undefined> {
  const answer = await ask(gateway, { kind: 'csr', from: 'technician' });
  // It says that no new process could use the leaf: this is another token, and the right one is plugged in.
  if (answer?.is === 'broken' && answer.failure.code === 'NL-TOKEN-FAILED') gateway.world.token.putBack();
  // The tool of the vendor has said so.
  const { known, world } = gateway;
  const isDamaged = known?.current !== undefined && world.token.isDamaged(known.current.key);
  if (answer?.is === 'broken' && isDamaged) return ask(gateway, { kind: 'csr', from: 'technician', newKey: true });
  const wantsAnother = answer !== undefined && 'failure' in answer && answer.failure.advice.includes('csr --new-key');
  return wantsAnother ? ask(gateway, { kind: 'csr', from: 'technician', newKey: true }) : answer;
}

/** The operator puts every leaf that the gateway names into the enrollment, and enables it. @returns whether one was new */
export function enroll({ world, known }: Gateway): boolean {
  const { size } = world.enrolled;
  for (const leaf of [known?.current, known?.next?.leaf]) if (leaf) world.enrolled.add(leaf.thumbprint);
  world.enabled = true;
  return world.enrolled.size > size;
}
