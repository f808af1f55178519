import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fill } from '../e2e/stage/fill.ts';
import type { Simulator } from '../simulator/simulator.ts';
import type { Member } from './member.ts';

/** What happens to one gateway. */
export interface Deed {
  readonly name: string;
  /** Whether it can be done to this gateway. */
  readonly isFor?: (member: Member) => boolean;
  /** Resolves when it is over. @param ms how long it stays, where it is one that stays */
  act(far: Simulator, member: Member, ms: number): Promise<unknown>;
}

/** Each of these may end the process. */
const endsIt = ({ isSteady }: Member): boolean => !isSteady;
/** Of a leaf that nobody has. */
const NONE = '0'.repeat(64);

const method = (far: Simulator, { id }: Member, action: 'roll' | 'reprovision') =>
  far.callMethod(id, 'reprovision', { action }, 5_000);

export const DEEDS: readonly Deed[] = [
  { name: 'kill -9', isFor: endsIt, act: async (_, member) => member.signal('SIGKILL') },
  { name: 'restart', isFor: endsIt, act: async (_, member) => member.signal('SIGTERM') },
  {
    name: 'frozen',
    async act(_, member, ms) {
      member.signal('SIGSTOP');
      await pause(ms);
      member.signal('SIGCONT');
    },
  },
  {
    name: 'token away',
    isFor: endsIt,
    async act(_, { gateway }, ms) {
      const [absence] = gateway.token.hsm.absences;
      await absence?.leave();
      await pause(ms);
      await absence?.comeBack();
    },
  },
  {
    name: 'disk full',
    isFor: ({ disk }) => disk !== undefined,
    async act(_, { disk = '' }, ms) {
      const filling = fill(disk);
      await pause(ms);
      rmSync(filling);
    },
  },
  { name: 'roll by a technician', act: (_, { gateway }) => gateway.post('/v1/roll') },
  { name: 'reprovision by a technician', act: (_, { gateway }) => gateway.post('/v1/reprovision') },
  { name: 'roll by the hub', act: (far, member) => method(far, member, 'roll') },
  { name: 'reprovision by the hub', act: (far, member) => method(far, member, 'reprovision') },
  {
    name: 'another hub',
    async act(far, member) {
      const at = (await far.device(member.id))?.hub;
      await far.assign(member.id, at === 'hub1' ? 'hub2' : 'hub1');
      await method(far, member, 'reprovision');
    },
  },
  { name: 'identity deleted', act: (far, { id }) => far.forget(id) },
  {
    name: 'identity disabled',
    async act(far, { id }, ms) {
      await far.setDeviceStatus(id, 'disabled');
      await pause(ms);
      await far.setDeviceStatus(id, 'enabled');
    },
  },
  {
    name: 'another thumbprint in the hub',
    async act(far, { id }) {
      const device = await far.device(id);
      if (device !== null) await far.writeDevice(device.hub, id, NONE);
    },
  },
];
