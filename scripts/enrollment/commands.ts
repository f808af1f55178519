import { flagged, type Tool, valued } from '../../agent/cli/kit/tool.ts';
import { versionLine } from '../../agent/cli/version.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { allowMember, disallowMember, setStatus } from './access.ts';
import { ADD_OPTIONS, addGroup, addIndividual } from './add.ts';
import { promote, removeCurrent, rollGroup, setSecondary } from './certificates.ts';
import { type Command, EXITS, one } from './command.ts';
import { AZURE_COMMANDS } from './commands-azure.ts';
import { FLEET_COMMANDS } from './commands-fleet.ts';
import { CERTIFICATE, FROM_DEVICE, HELD, WHICH } from './given.ts';
import { forget, setIdentity } from './identity.ts';
import { NAME } from './name.ts';
import { MEMBER_OPTIONS } from './waves/group.ts';

/** Options of every command. */
const GLOBAL_OPTIONS = {
  dps: valued(
    'CONNECTION',
    'Connection string of DPS; better: NEWLEAF_DPS_CONNECTION, which other users cannot see. Or its host: then `az login`.',
  ),
  hub: valued('CONNECTION', 'The same of the hub; better: NEWLEAF_HUB_CONNECTION.'),
  log: valued('FILE', 'Where a line is added for all that is written into DPS. Default: in the state directory.'),
  yes: flagged('Do not ask.'),
  'dry-run': flagged('Show what would be done, and do nothing.'),
  help: { ...flagged('Explain the command.'), short: 'h' },
} as const;

const { certificate, ca } = CERTIFICATE;
const editing = { ...CERTIFICATE, ...HELD, ...WHICH };
/** The operands and options of a command that edits one enrollment, or those of many devices. */
const each = { shown: '[ID...]', most: Number.POSITIVE_INFINITY };
const WHERE = {
  ...FROM_DEVICE,
  where: valued('CONDITION', 'Every device that meets the WHERE clause: "tags.site = \'north\'", or "*".'),
} as const;
const EACH_EXITS = {
  ...EXITS,
  0: 'Done, or so already.',
  1: 'Failed, or not agreed to; of many devices: some are not done, for the reasons shown.',
};

const remove = (which: 'primary' | 'secondary' | 'both', about: string): Command => ({
  operands: one('ID'),
  meaning: `Remove ${which === 'both' ? 'both certificates' : `the ${which} certificate`} of an enrollment`,
  about: [
    about,
    'After a breach: remove, then have the device register again, or forget it in the hub. A thief with the old leaf could answer in the place of the device: compare the thumbprint that comes by --from-device with `newleaf status` on it.',
  ],
  options: { ...editing, ...FROM_DEVICE },
  examples: [{ line: `${NAME} remove-current ${which} gw-0001 --certificate new-leaf.pem` }],
  run: removeCurrent(which),
});

const roll = (what: 'root' | 'intermediate', example: string): Command => ({
  operands: one('NAME'),
  meaning: `Roll the ${what} of a group`,
  about: [
    `Without --at-once the new one becomes the secondary, both are admitted, and \`${NAME} promote\` ends it. With --at-once only the new one is admitted: for a breach.`,
    'With --job "*" --first 10 --then 10% --then rest the members then roll in waves, so that a wrong CA reaches those of the first wave alone.',
  ],
  options: { ...editing, 'at-once': flagged('The old ones go now.'), ...MEMBER_OPTIONS },
  examples: [{ line: example }, { line: `${example} --at-once` }],
  run: rollGroup(what),
});

export const COMMANDS = {
  'add individual': {
    operands: { shown: '[ID]', most: 1 },
    meaning: 'Enroll one device by its leaf',
    about: ['The registration ID is the CN of the leaf, and may be given to be sure of it.'],
    options: { certificate, ...ADD_OPTIONS, 'device-id': valued('ID', 'Name in the hub, if it is another.') },
    examples: [{ line: `${NAME} add individual --certificate gw-0001.pem` }],
    run: addIndividual,
  },
  'add group': {
    operands: one('NAME'),
    meaning: 'Enroll all devices of a CA',
    about: [
      'By the certificate of the CA, or by the name of a CA whose possession was proven to the DPS instance.',
      'Either way the chain that a device sends must reach a CA that was proven: prove the root once.',
    ],
    options: { certificate, ca, ...ADD_OPTIONS, 'secondary-ca': valued('NAME', 'A second CA, by name.') },
    examples: [
      { line: `${NAME} add group gateways --certificate issuing-ca.pem` },
      { line: `${NAME} add group gateways --ca our-root` },
    ],
    run: addGroup,
  },
  'set-secondary': {
    operands: each,
    meaning: 'Admit a second certificate beside the primary',
    about: [
      `The first half of a roll without a gap; \`${NAME} promote\` is the second.`,
      'With --from-device the device sends the leaf that waits on it. So it goes for many devices by one command, which may be repeated: what is done stays.',
    ],
    options: { ...editing, ...WHERE },
    examples: [
      { line: `${NAME} set-secondary gw-0001 --from-device` },
      { line: `${NAME} set-secondary --where "tags.site = 'north'" --from-device` },
      { line: `${NAME} set-secondary gw-0001 --certificate next-leaf.pem` },
    ],
    exits: EACH_EXITS,
    run: setSecondary,
  },
  promote: {
    operands: each,
    meaning: 'Make the secondary the primary; the old primary goes',
    about: [
      'DPS never gives a certificate back, and may want the promoted one again: --pem FILE, or --from-device. The latter also makes sure that the device uses it.',
      'Of a group, with --job and --first: refused while a member uses a leaf of the CA that goes; then the members register again, in waves.',
      'Of individual enrollments, with --from-device, --job and --first: wave by wave each is promoted, and its device registers again.',
    ],
    options: { ...HELD, ...WHICH, ...WHERE, ...MEMBER_OPTIONS },
    examples: [
      { line: `${NAME} promote gw-0001 --from-device` },
      { line: `${NAME} promote --where "tags.site = 'north'" --from-device` },
      { line: `${NAME} promote --job "*" --from-device --first 10 --then rest` },
      { line: `${NAME} promote gateways --pem issuing-ca-2.pem` },
    ],
    exits: EACH_EXITS,
    run: promote,
  },
  'remove-current primary': remove(
    'primary',
    'The secondary stays where it is; a new certificate takes the place of the primary.',
  ),
  'remove-current secondary': remove(
    'secondary',
    'The primary stays; a new certificate takes the place of the secondary.',
  ),
  'remove-current both': remove('both', 'Both are compromised: a new certificate must be given.'),
  'roll-group root': roll('root', `${NAME} roll-group root gateways --ca our-root-2`),
  'roll-group intermediate': roll(
    'intermediate',
    `${NAME} roll-group intermediate gateways --certificate issuer-2.pem`,
  ),
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
    options: { certificate },
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
  ...AZURE_COMMANDS,
  ...FLEET_COMMANDS,
  version: {
    meaning: 'Show the version',
    about: [`For a bug report. \`${NAME} --version\` is the same.`],
    examples: [{ line: `${NAME} version` }],
    run: async ({ desk }) => {
      desk.out.write(versionLine(NAME));
      return EXIT.done;
    },
  },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

export const ENROLL: Tool<CommandName> = {
  name: NAME,
  purpose: `${NAME} is the operator's side of rolling leaves: enrollments in DPS, identities and jobs in IoT Hub.`,
  commands: COMMANDS,
  options: GLOBAL_OPTIONS,
  exits: EXITS,
  begin: [
    'Examples:',
    `  ${NAME} add group gateways --certificate issuing-ca.pem`,
    `  ${NAME} roll-group intermediate gateways --certificate issuing-ca-2.pem`,
    `  ${NAME} reprovision --job "*" --action roll --delay 600`,
    `  ${NAME} promote gateways --pem issuing-ca-2.pem`,
  ],
};
