import pkcs11js from 'pkcs11js';
import { ckrName, ckrOf } from '../../hsm/ckr.ts';
import { RawSession } from '../../test/contract/token/bench.ts';
import { callReprovision, holdsKeys, type Stage } from './stage.ts';
import { must, short } from './telling.ts';

export async function firstProvisioning(stage: Stage): Promise<void> {
  const { far, gateway, telling } = stage;
  telling.story('1. First provisioning: newleaf init');
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const { code, out, err } = await gateway.command('init');
  // What follows says where the leaf is, and to start the daemon: that is what the story does.
  telling.quote(`${out.replace(/\n\s+CN .*/s, '')}${err}`);
  must(code === 0, `newleaf init ends with 0 (it was ${code})`);
  holdsKeys(stage, ['newleaf-a']);

  telling.story('   The daemon starts: newleaf run');
  await gateway.start();
  await telling.proven(undefined);
  must(telling.count('register') === 0, 'a start with a known hub needs no registration');
  telling.tell('DPS', 'was not asked: newleaf knows its hub');
}

/** C_GetAttributeValue of CKA_VALUE, by a program that has the PIN. */
function steal({ gateway }: Stage): string {
  const { hsm } = gateway.token;
  // SoftHSM reads it when it is loaded.
  Object.assign(process.env, hsm.environment);
  const session = new RawSession(hsm);
  const [key] = session.find([{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY }]);
  if (key === undefined) return 'no key';
  try {
    return session.read(key, pkcs11js.CKA_VALUE) === undefined ? 'nothing' : 'the key';
  } catch (error) {
    const code = ckrOf(error);
    return code === undefined ? String(error) : ckrName(code);
  }
}

export function theft(stage: Stage): void {
  const { gateway, telling } = stage;
  telling.story('2. A thief with the PIN wants the private key');
  const answer = steal(stage);
  telling.tell('thief', `C_GetAttributeValue of CKA_VALUE: ${answer}`);
  must(answer === 'CKR_ATTRIBUTE_SENSITIVE', `the token refuses its private key (it gave ${answer})`);
  const access = /Access: +(.*)/.exec(gateway.token.ask('--list-objects', '--type', 'privkey').toString())?.[1] ?? '';
  must(/never extractable, local/.test(access), `the key was made in the token, and cannot leave it (${access})`);
  telling.tell('token', `says of the key: ${access}`);
}

export async function reprovision(stage: Stage): Promise<void> {
  const { telling } = stage;
  telling.story('3. The back end calls the direct method reprovision');
  await callReprovision(stage, { id: 'demo-3' });
  await telling.assigned();
  await telling.seen(
    'hub1',
    ({ event, body }) => event === 'reported' && JSON.stringify(body).includes('demo-3'),
    () => 'gets the outcome in the reported property newleaf',
  );
  must(telling.count('register') === 1, 'exactly one registration');
}

export async function roll(stage: Stage): Promise<void> {
  const { gateway, telling } = stage;
  telling.story('4. The back end asks for a roll: new key, new leaf, same CN');
  await callReprovision(stage, { action: 'roll', id: 'demo-4' });
  const { thumbprint } = await telling.signed();
  await telling.assigned();
  await telling.proven(thumbprint);
  await gateway.settled();
  holdsKeys(stage, ['newleaf-b'], '. The old one was destroyed after the new leaf was proven');
}

/** The session of the old leaf must not be cut while the new one is refused. */
export async function refusedLeaf(stage: Stage): Promise<void> {
  const { far, gateway, telling } = stage;
  const session = far.log.matching({ event: 'connected' }).at(-1);
  const wasCut = () => far.log.matching({ event: 'disconnected', connection: session?.connection ?? 0 }).length > 0;
  telling.story('5. A new leaf is refused: the old one serves on');
  const replaced = await far.rollIssuer('intermediate');
  telling.tell('operator', 'replaces the issuing CA, and forgets to enroll it in DPS');
  telling.tell('technician', 'calls newleaf roll --wait');
  const ended = gateway.command('roll', '--wait');
  const { thumbprint } = await telling.signed();
  await telling.seen('DPS', { event: 'refused', code: 401002 }, () => `refuses ${short(thumbprint)} (401002)`);
  const { code } = await ended;
  must(code === 4, `newleaf roll ends with 4, a person is needed (it was ${code})`);
  const { online, leaf, next } = await gateway.status();
  must(online && leaf?.thumbprint === session?.thumbprint, 'the old leaf serves on');
  must(next?.leaf?.thumbprint === thumbprint && next?.standing === 'parked', 'the new leaf is parked');
  must(!wasCut(), 'the session of the old leaf was never cut');
  telling.tell('hub1', `has ${short(session?.thumbprint)} online: its session was never cut`);
  holdsKeys(stage, ['newleaf-a', 'newleaf-b'], '; newleaf-a waits');

  await far.replaceCertificates('gateways', { primary: replaced, secondary: far.endpoints.issuerPem });
  telling.tell('operator', 'enrolls the new CA');
  await callReprovision(stage, { id: 'demo-5' });
  await telling.assigned();
  must(!wasCut(), 'the session of the old leaf was never cut');
  await telling.proven(thumbprint);
  await gateway.settled();
  holdsKeys(stage, ['newleaf-a']);
}
