import { cancel } from './cancel.ts';
import { type Command, EXITS, one } from './command.ts';
import { deleteEnrollment } from './delete.ts';
import { FLEET_OPTIONS, fleet } from './fleet.ts';
import { listJobs, showJob } from './jobs.ts';
import {
  DAYS_OPTION,
  JSON_OPTION,
  listDevices,
  listEnrollments,
  listLeaves,
  listRegistrations,
  WHERE_OPTION,
} from './list.ts';
import { NAME } from './name.ts';
import { REPROVISION_OPTIONS, reprovision } from './reprovision.ts';
import { showDevice, showGroup } from './show.ts';

/** Commands for many: calling them, looking at them, and deleting. */
export const FLEET_COMMANDS = {
  'delete individual': {
    operands: one('ID'),
    meaning: 'Delete the individual enrollment of a device',
    about: [`The device serves on until it must register. To bar it and keep the enrollment: ${NAME} disallow device.`],
    examples: [{ line: `${NAME} delete individual gw-0001` }],
    run: deleteEnrollment('individual'),
  },
  'delete group': {
    operands: one('NAME'),
    meaning: 'Delete an enrollment group',
    about: [`Its members serve on until they must register. To bar them and keep the group: ${NAME} disallow group.`],
    examples: [{ line: `${NAME} delete group gateways` }],
    run: deleteEnrollment('group'),
  },
  reprovision: {
    operands: { shown: '[DEVICE...]', most: Number.POSITIVE_INFINITY },
    meaning: 'Have devices register again or roll, and see which come back',
    about: [
      'Calls the direct method `reprovision`: on the devices named, or by a job of the hub on all that meet a condition. Then watches the reported property `newleaf` of their twins, and tells how many are back, and why the others are not.',
      'Ctrl-C ends the wait, prints the results so far, and offers to end the job; devices that took the call go on. --look ID shows the request again, --report FILE names every device in a file, and --retry calls those again that are not done.',
      'With --first and --next the job goes through the fleet in waves, and stops by itself where those before are not proven.',
    ],
    options: REPROVISION_OPTIONS,
    examples: [
      { line: `${NAME} reprovision gw-0001 gw-0002 --action roll` },
      { line: `${NAME} reprovision --job "tags.site = 'north'" --delay 600 --report north.json` },
      { line: `${NAME} reprovision --retry north.json --report north-2.json` },
      { line: `${NAME} reprovision --job "*" --action roll --first 10 --next rest` },
    ],
    exits: {
      ...EXITS,
      0: 'All are back on the leaf that was asked for; with --wait 0: all are asked.',
      1: 'Failed, or not all are back.',
    },
    run: reprovision,
  },
  cancel: {
    operands: one('ID'),
    meaning: 'End the jobs of a request in the hub',
    about: [
      'No further device is called. Those that took the call cannot be called off; it is said of each device what it will still do.',
    ],
    examples: [{ line: `${NAME} cancel enroll-roll-ana-mij4k2` }],
    run: cancel,
  },
  fleet: {
    meaning: 'Show how the fleet is, in numbers',
    about: [
      'Counts what the devices of the hub report in their twins: phases, next leaves that wait for their enrollment (parked), leaves that end soon, alarms, last requests, faults of programs that send through newleaf, versions. Queries of a hub may lag behind by minutes.',
    ],
    options: FLEET_OPTIONS,
    examples: [{ line: `${NAME} fleet` }, { line: `${NAME} fleet --where "tags.site = 'north'" --days 60` }],
    run: fleet,
  },
  'list jobs': {
    meaning: 'List the requests of all operators to the devices of the hub',
    about: [
      'From the jobs of the hub, which it remembers for 30 days, and from the twins, which name the last request of their device. Nothing of it is on this machine.',
    ],
    options: JSON_OPTION,
    examples: [{ line: `${NAME} list jobs` }],
    run: listJobs,
  },
  'list devices': {
    meaning: 'List the devices of the hub, and what their newleaf reports',
    about: ['Queries of a hub may lag behind by minutes.'],
    options: { ...WHERE_OPTION, ...DAYS_OPTION, ...JSON_OPTION },
    examples: [
      { line: `${NAME} list devices --days 30` },
      { line: `${NAME} list devices --where "tags.site = 'north'" --json` },
    ],
    run: listDevices,
  },
  'list leaves': {
    meaning: 'List which leaf each device has',
    about: [
      'Its serial, thumbprint, end and issuer, as newleaf reports them; where Azure issues the leaves, with the end of the onboarding certificate. Queries of a hub may lag behind by minutes.',
    ],
    options: { ...WHERE_OPTION, ...DAYS_OPTION, ...JSON_OPTION },
    examples: [{ line: `${NAME} list leaves --days 30` }],
    run: listLeaves,
  },
  'list individuals': {
    meaning: 'List the individual enrollments of DPS',
    about: [],
    options: JSON_OPTION,
    examples: [{ line: `${NAME} list individuals` }],
    run: listEnrollments('individual'),
  },
  'list groups': {
    meaning: 'List the enrollment groups of DPS',
    about: [],
    options: JSON_OPTION,
    examples: [{ line: `${NAME} list groups` }],
    run: listEnrollments('group'),
  },
  'list registrations': {
    operands: one('GROUP'),
    meaning: 'List the devices that have registered as members of a group',
    about: [],
    options: JSON_OPTION,
    examples: [{ line: `${NAME} list registrations gateways` }],
    run: listRegistrations,
  },
  'show device': {
    operands: one('ID'),
    meaning: 'Show a device as DPS, the hub and its newleaf know it',
    about: ['The hub is asked where its connection string is there.'],
    options: JSON_OPTION,
    examples: [{ line: `${NAME} show device gw-0001` }],
    run: showDevice,
  },
  'show job': {
    operands: { shown: 'ID [DEVICE...]', least: 1, most: Number.POSITIVE_INFINITY },
    meaning: 'Show a request: who began it, and how it is on each device',
    about: [
      `As hub and twins know it, from any machine. \`${NAME} reprovision --look ID --wait SECONDS\` waits as well.`,
    ],
    options: { report: REPROVISION_OPTIONS.report, ...JSON_OPTION },
    examples: [{ line: `${NAME} show job enroll-roll-ana-mij4k2` }],
    exits: { ...EXITS, 0: 'All are back on the leaf that was asked for.', 1: 'Failed, or not all are back.' },
    run: showJob,
  },
  'show group': {
    operands: one('NAME'),
    meaning: 'Show a group as DPS knows it',
    about: [],
    options: JSON_OPTION,
    examples: [{ line: `${NAME} show group gateways` }],
    run: showGroup,
  },
} as const satisfies Record<string, Command>;
