import { MEANWHILE } from '../failure/codes/code.ts';
import { CODES } from '../failure/failure.ts';
import { namingIn } from '../machine/naming.ts';

const told = namingIn(process.env);

/** `newleaf help NL-DPS-DISABLED`, for each code. */
export const CODE_TOPICS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(CODES).map(([code, { kind, means, advice }]) => [
    code,
    [`${code}: ${means}`, `Meanwhile (${kind}): ${MEANWHILE[kind]}`, `Next step: ${advice}`].map(told),
  ]),
);
