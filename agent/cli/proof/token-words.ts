import type { SeenToken } from '../../../hsm/slots.ts';
import { matches, parseUri } from '../../../hsm/uri.ts';
import { foreign } from '../../failure/foreign.ts';
import type { Shown } from './survey.ts';

export const isTokenNamed = ({ token }: Pick<Shown, 'token'>, wanted: string): boolean =>
  wanted.startsWith('pkcs11:') ? matches(token, parseUri(wanted)) : token.label === wanted;

export const isTokenOf = (
  shown: Shown,
  { module, token, uri }: Readonly<Record<'module' | 'token' | 'uri', string | undefined>>,
) => module === shown.module.path && isTokenNamed(shown, uri ?? token ?? '');

/** Why a daemon cannot log in to a token; undefined where it can. */
export function hindrance({ hasPin, hasPinPad, isLocked, needsLogin }: SeenToken): string | undefined {
  if (!needsLogin) return undefined;
  if (hasPinPad) return 'its PIN is typed at the reader, which no daemon can do';
  if (!hasPin) return 'it has no user PIN yet: its tool sets one';
  return isLocked ? 'its PIN is locked: the SO PIN unlocks it' : undefined;
}

export function tokenInWords({ module, token }: Shown): string {
  const { needsLogin, isCountLow } = token;
  const [label = '', model = '', serial = ''] = [token.label, token.model, token.serial].map(foreign);
  const warning = isCountLow ? '; a wrong PIN was tried' : '';
  const state = hindrance(token) ?? (needsLogin ? `needs its PIN${warning}` : 'needs no PIN');
  return `token "${label}" (${module.name}: ${model || 'no model'}, serial ${serial || 'none'}): ${state}`;
}

export function rootsOnlyInWords({ module, token }: Shown): string {
  const given = '`chown -R newleaf: /var/lib/softhsm/tokens`, if it is for newleaf alone';
  const cure = module.name === 'SoftHSM' ? given : 'make it as the user newleaf';
  return `token "${foreign(token.label)}" (${module.name}): only root can use it, and the daemon is not root; ${cure}`;
}
