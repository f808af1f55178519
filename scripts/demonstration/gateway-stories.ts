import { callReprovision, DEVICE, holdsKeys, type Stage } from './stage.ts';
import { must, short } from './telling.ts';

const STEP_MS = 20_000;

export async function powerCut(stage: Stage): Promise<void> {
  const { far, gateway, telling } = stage;
  telling.story('6. The power is cut in the middle of a roll');
  const cut = far.log
    .waitFor({ event: 'register' }, STEP_MS, far.log.entries.length)
    .then(() => gateway.stop('SIGKILL'));
  telling.tell('technician', 'calls newleaf roll');
  await gateway.post('/v1/roll');
  const { thumbprint } = await telling.signed();
  must((await cut) === 'SIGKILL', 'the daemon is killed');
  telling.tell('power', `is cut while DPS is asked about ${short(thumbprint)} (SIGKILL)`);
  holdsKeys(stage, ['newleaf-a', 'newleaf-b']);
  telling.goOn();
  telling.tell('power', 'comes back: newleaf run');
  await gateway.start();
  await telling.assigned();
  await telling.proven(thumbprint);
  await gateway.settled();
  must(telling.count('issued') === 1, 'the leaf that was signed before the cut is used after it');
  holdsKeys(stage, ['newleaf-b']);
}

export async function unknownLeaf(stage: Stage): Promise<void> {
  const { far, telling } = stage;
  telling.story('7. The hub no longer knows the leaf ("unauthorized")');
  await far.forget(DEVICE);
  telling.tell('operator', 'deletes the device from the hub');
  await telling.seen(
    'hub1',
    { event: 'connack', code: 5 },
    ({ thumbprint }) => `refuses ${short(thumbprint)} (CONNACK 5)`,
  );
  const { thumbprint } = await telling.assigned();
  await telling.proven(thumbprint);
  must(telling.count('register') === 1, 'exactly one registration');
}

export async function secondHub(stage: Stage): Promise<void> {
  const { far, gateway, telling } = stage;
  telling.story('8. DPS assigns another hub');
  await far.assign(DEVICE, 'hub2');
  telling.tell('operator', 'moves the device to the second hub');
  await callReprovision(stage, { id: 'demo-8' });
  const { thumbprint } = await telling.assigned();
  await telling.proven(thumbprint, 'hub2');
  const { hub } = await gateway.settled();
  must(hub?.host === far.endpoints.hub2, 'the daemon serves at the second hub');
}

export async function technician({ gateway, telling }: Stage): Promise<void> {
  telling.say('\nWhat a technician sees: newleaf status\n');
  const { out, code } = await gateway.command('status');
  telling.quote(out);
  must(code === 0, `newleaf status ends with 0 (it was ${code})`);
}
