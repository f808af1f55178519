import { valued } from '../../agent/cli/kit/tool.ts';
import { type Command, one } from './command.ts';
import { HELD, WHICH } from './given.ts';
import { NAME } from './name.ts';
import { revoke } from './revoke.ts';
import { removePolicy, setPolicy } from './set-policy.ts';

/** Commands for leaves that Azure issues. */
export const AZURE_COMMANDS = {
  'set-policy': {
    operands: { shown: 'ID NS/CA/POLICY', least: 2, most: 2 },
    meaning: 'Have Azure issue the leaves of an enrollment, by a policy',
    about: [
      'Namespace, issuing CA (never the root) and policy, by their names in Azure Device Registry; in the api-version 2025-07-01-preview the policy alone.',
      'DPS takes a policy in individual enrollments, too, but Microsoft says that only groups issue: it asks first.',
    ],
    options: { ...HELD, ...WHICH },
    examples: [{ line: `${NAME} set-policy gateways my-namespace/issuing-ca/monthly` }],
    run: setPolicy,
  },
  'remove-policy': {
    operands: one('ID'),
    meaning: 'Have Azure issue no more leaves of an enrollment',
    about: ['Leaves that were issued serve until they end.'],
    options: { ...HELD, ...WHICH },
    examples: [{ line: `${NAME} remove-policy gateways` }],
    run: removePolicy,
  },
  revoke: {
    operands: one('DEVICE'),
    meaning: 'Revoke every leaf that Azure has issued to a device',
    about: [
      'By its registration ID. It gets another leaf from DPS by itself, unless DPS bars it.',
      'Azure Resource Manager is asked as the user of `az login`: a connection string is of no use there. Your role at the namespace: Azure Device Registry Credentials Contributor.',
    ],
    options: {
      namespace: valued('ID', 'Resource ID of the namespace; or NEWLEAF_ADR_NAMESPACE.'),
    },
    examples: [{ line: `${NAME} revoke gw-0001` }],
    run: revoke,
  },
} as const satisfies Record<string, Command>;
