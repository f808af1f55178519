import { AZURE_DEEDS, type AzureDeed } from './azure/deeds.ts';
import { DAY, type Gateway, HOUR } from './gateway.ts';
import { ask, bring, enroll } from './people.ts';
import { FOREIGN } from './token.ts';
import { WIDER_DEEDS, type WiderDeed } from './wider.ts';

const technician = { from: 'technician', delayMs: 0 } as const;
const method = { from: 'method', delayMs: 0 } as const;

/** What people, and luck, do to a gateway at one moment. */
export const DEEDS = {
  reprovision: (gateway) => ask(gateway, { kind: 're-register', ...technician }),
  roll: (gateway) => ask(gateway, { kind: 'roll', ...technician }),
  'roll --discard': (gateway) => ask(gateway, { kind: 'roll', ...technician, discard: true }),
  'method reprovision': (gateway) => ask(gateway, { kind: 're-register', ...method }),
  'method reprovision, delayed': (gateway) => ask(gateway, { kind: 're-register', from: 'method', delayMs: HOUR }),
  'method roll': (gateway) => ask(gateway, { kind: 'roll', ...method }),
  'method roll, twice with one ID': async (gateway) => {
    const asked = { kind: 'roll', ...method, id: `twice-${gateway.clock.monotonic()}` } as const;
    await Promise.all([ask(gateway, asked), ask(gateway, asked)]);
  },
  csr: (gateway) => ask(gateway, { kind: 'csr', from: 'technician' }),
  'csr --new-key': (gateway) => ask(gateway, { kind: 'csr', from: 'technician', newKey: true }),
  'csr and install': (gateway) => bring(gateway),
  'csr and install of another CA': (gateway) => bring(gateway, { isStrange: true }),
  'requestCsr and installLeaf of another CA': (gateway) => bring(gateway, { isStrange: true, from: 'method' }),
  'power cut': (gateway) => gateway.cutPower(),
  'power cut before a write': (gateway) => {
    gateway.cutAtWrite = 'before';
  },
  'power cut after a write': (gateway) => {
    gateway.cutAtWrite = 'after';
  },
  '200 restarts in a row': async (gateway) => {
    for (let count = 0; count < 200; count += 1) {
      gateway.cutPower();
      await gateway.clock.sleep(5_000);
    }
  },
  'dark for nine days': (gateway) => gateway.dark(9 * DAY),
  'link drops': ({ world }) => world.endSession(),
  'hub forgets the device': ({ world }) => {
    world.registry.clear();
    world.endSession();
  },
  'enrollment disabled': ({ world }) => {
    world.enabled = false;
  },
  'enrollment enabled': ({ world }) => {
    world.enabled = true;
  },
  'operator enrolls': (gateway) => enroll(gateway),
  'current leaf taken out': ({ world, known }) => {
    if (known?.current) world.enrolled.delete(known.current.thumbprint);
  },
  'moved to hub2': ({ world }) => {
    world.assigns = 'hub2';
  },
  'hub1 is gone': ({ world }) => {
    world.gone.add('hub1');
    world.assigns = 'hub2';
    if (world.session?.hub === 'hub1') world.endSession();
  },
  'key of the candidate is lost': ({ world, known }) => {
    const key = known?.next?.is === 'key-wanted' ? undefined : known?.next?.key;
    if (key?.id !== known?.current?.key.id) world.token.lose(key?.id);
  },
  'key of the current leaf is lost': ({ world, known }) => world.token.lose(known?.current?.key.id),
  'the token is pulled': ({ world }) => world.token.pull(),
  'the token is plugged in': ({ world }) => world.token.plugIn(),
  'another token is plugged in': ({ world }) => world.token.swap(),
  'the first token is plugged in': ({ world }) => world.token.putBack(),
  'a foreign key in slot a': ({ world }) => world.token.occupy('a'),
  'a foreign key in slot b': ({ world }) => world.token.occupy('b'),
  'the foreign key is gone': ({ world }) => world.token.lose(FOREIGN),
  'clock 2 hours ahead': ({ clock }) => clock.step(2 * HOUR),
  'clock 2 hours back': ({ clock }) => clock.step(-2 * HOUR),
  'clock 400 days ahead': ({ clock }) => clock.step(400 * DAY),
  'clock in 1970': ({ clock }) => clock.step(-clock.now()),
  'clock is right': ({ clock, begun }) => clock.step(begun + clock.monotonic() - clock.now()),
  'state copied': (gateway) => {
    gateway.copied = gateway.entry;
  },
  'older state put back': (gateway) => {
    if (gateway.copied === undefined) return;
    gateway.stop();
    gateway.entry = gateway.copied;
    gateway.isPutBack = true;
    gateway.world.isForgetful = true;
    gateway.log.accepted.clear();
    gateway.start();
  },
  'another endpoint': (gateway) => {
    gateway.terms = { ...gateway.terms, registered: `${gateway.terms.registered}*` };
    gateway.cutPower();
  },
  'another kind of issuer': (gateway) => {
    // It would be another gateway: the hub of this one trusts a CA.
    if (gateway.terms.trust === 'ca') return;
    gateway.terms = { ...gateway.terms, automatic: !gateway.terms.automatic };
    gateway.cutPower();
  },
  'rotate_key changed': (gateway) => {
    gateway.terms = { ...gateway.terms, keepKey: !gateway.terms.keepKey };
    gateway.cutPower();
  },
} satisfies Record<string, (gateway: Gateway) => unknown>;
export type Deed = keyof typeof DEEDS | AzureDeed | WiderDeed;

export const does = (deed: Deed, gateway: Gateway): unknown =>
  ({ ...DEEDS, ...AZURE_DEEDS, ...WIDER_DEEDS })[deed](gateway);
