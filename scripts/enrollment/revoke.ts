import { printable } from '../../agent/cli/kit/screen.ts';
import { carryOut } from './change.ts';
import { type Call, only } from './command.ts';
import { Ledger } from './ledger.ts';
import { NAME } from './name.ts';
import { Registry } from './registry.ts';
import { rowText } from './screen.ts';

/** `enroll revoke DEVICE`: every leaf that Azure has issued to it. */
export async function revoke(call: Call): Promise<number> {
  const id = only(call);
  const registry = await Registry.open(call);
  const device = await registry.get(id);
  const { namespace } = registry;
  const rows = [rowText('namespace', namespace), rowText('name', device.name), rowText('policy', device.policy ?? '-')];
  return carryOut(call, {
    shown: `Device ${printable(id)} of Azure Device Registry\n${rows.join('')}  -> every leaf that was issued to it is revoked\n`,
    question: `Revoke every leaf that Azure has issued to ${id}? This cannot be undone.`,
    act: () =>
      new Ledger(call).around({ namespace, kind: 'leaves', id, after: 'revoked' }, () => registry.revoke(device)),
    done: `No leaf that was issued to ${id} so far opens a hub. A session that is open may go on. The device fetches another leaf by itself, and so does a thief who has its onboarding key: to bar it, before: ${NAME} disallow member ${id}`,
  });
}
