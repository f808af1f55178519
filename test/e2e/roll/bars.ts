import { GROUP, ID, type Scene } from './scene.ts';

/** Something that keeps a gateway out at DPS, and how the operator takes it away. */
export interface Bar {
  readonly bar: (scene: Scene) => Promise<void>;
  readonly allow: (scene: Scene) => Promise<void>;
}

/** Microsoft's ways (how-to-revoke-device-access-portal); the gateway has come by the group. */
export const BARS = {
  'an individual enrollment': {
    async bar({ far, operator, leafPem }) {
      await operator.admit('individual', ID, { primary: leafPem('leaf.pem') });
      await far.removeEnrollment(GROUP);
      await operator.allow('individual', ID, 'disabled');
    },
    allow: ({ operator }) => operator.allow('individual', ID, 'enabled'),
  },
  'a whole group': {
    bar: ({ operator }) => operator.allow('group', GROUP, 'disabled'),
    allow: ({ operator }) => operator.allow('group', GROUP, 'enabled'),
  },
  'a member of a group': {
    bar: ({ operator }) => operator.barMember(ID),
    allow: ({ operator }) => operator.unbarMember(ID),
  },
  'a member of a group, by its leaf': {
    bar: ({ operator, leafPem }) => operator.barMember(ID, leafPem('leaf.pem')),
    allow: ({ operator }) => operator.unbarMember(ID),
  },
} as const satisfies Record<string, Bar>;
