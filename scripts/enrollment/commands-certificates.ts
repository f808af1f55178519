import { flagged, valued } from '../../agent/cli/kit/tool.ts';
import { ADD_OPTIONS, addGroup, addIndividual } from './add.ts';
import { promote, removeCurrent, rollGroup, setSecondary } from './certificates.ts';
import { type Command, EXITS, one } from './command.ts';
import { CERTIFICATE, FROM_DEVICE, HELD, WHICH } from './given.ts';
import { NAME } from './name.ts';
import { MEMBER_OPTIONS } from './waves/group.ts';

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
    'With --job "*" --first 10 --next 10% --next rest the members then roll in waves, so that a wrong CA reaches those of the first wave alone.',
  ],
  options: { ...editing, 'at-once': flagged('The old ones go now.'), ...MEMBER_OPTIONS },
  examples: [{ line: example }, { line: `${example} --at-once` }],
  run: rollGroup(what),
});

/** Commands for the certificates of enrollments. */
export const CERTIFICATE_COMMANDS = {
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
      { line: `${NAME} promote --job "*" --from-device --first 10 --next rest` },
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
} as const satisfies Record<string, Command>;
