import { allowMember, disallowMember, setStatus } from './access.ts';
import { type Command, one } from './command.ts';
import { CERTIFICATE, HELD } from './given.ts';
import { forget, setIdentity } from './identity.ts';
import { NAME } from './name.ts';

/** Commands that bar a device from DPS or hub, and admit it again. */
export const ACCESS_COMMANDS = {
  forget: {
    operands: one('DEVICE'),
    meaning: 'Delete the identity of a device in the hub',
    about: ['Ends its session. It is made again when DPS admits the device the next time.'],
    examples: [{ line: `${NAME} forget gw-0001` }],
    run: forget,
  },
  'disable-identity': {
    operands: one('DEVICE'),
    meaning: 'Disable the identity of a device in the hub',
    about: ['Ends its session. Twin and thumbprints stay.'],
    examples: [{ line: `${NAME} disable-identity gw-0001` }],
    run: setIdentity('disabled'),
  },
  'enable-identity': {
    operands: one('DEVICE'),
    meaning: 'Enable it again',
    about: ['DPS may leave a disabled identity as it is: this is then the only way back.'],
    examples: [{ line: `${NAME} enable-identity gw-0001` }],
    run: setIdentity('enabled'),
  },
  'disallow device': {
    operands: one('ID'),
    meaning: 'Bar a device that has an individual enrollment',
    about: ['DPS refuses it from now on. The hub is another matter: see disable-identity and forget.'],
    options: HELD,
    examples: [{ line: `${NAME} disallow device gw-0001` }],
    run: setStatus('individual', 'disabled'),
  },
  'disallow member': {
    operands: one('DEVICE'),
    meaning: 'Bar one member of a group',
    about: [
      'Makes a disabled individual enrollment, which stands before the group. Given the leaf that the device uses, it bars that leaf for certain; without, it bars by registration ID.',
    ],
    options: { certificate: CERTIFICATE.certificate },
    examples: [
      { line: `${NAME} disallow member gw-0001` },
      { line: `${NAME} disallow member gw-0001 --certificate its-leaf.pem` },
    ],
    run: disallowMember,
  },
  'disallow group': {
    operands: one('NAME'),
    meaning: 'Bar a whole group',
    about: ['Members with an enabled individual enrollment of their own are still admitted.'],
    options: HELD,
    examples: [{ line: `${NAME} disallow group gateways` }],
    run: setStatus('group', 'disabled'),
  },
  'allow device': {
    operands: one('ID'),
    meaning: 'Admit it again',
    about: ['The device asks by itself about once an hour; `newleaf reprovision` on it asks at once.'],
    options: HELD,
    examples: [{ line: `${NAME} allow device gw-0001` }],
    run: setStatus('individual', 'enabled'),
  },
  'allow member': {
    operands: one('DEVICE'),
    meaning: 'Admit a member of a group again',
    about: ['Deletes the disabled individual enrollment that bars it.'],
    examples: [{ line: `${NAME} allow member gw-0001` }],
    run: allowMember,
  },
  'allow group': {
    operands: one('NAME'),
    meaning: 'Admit the group again',
    about: ['Its members ask by themselves about once an hour.'],
    options: HELD,
    examples: [{ line: `${NAME} allow group gateways` }],
    run: setStatus('group', 'enabled'),
  },
} as const satisfies Record<string, Command>;
