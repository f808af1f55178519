import { MEANWHILE } from '../failure/codes/code.ts';
import { CODES } from '../failure/failure.ts';

/** `newleaf help NL-DPS-DISABLED`, for each code. */
export const CODE_TOPICS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(CODES).map(([code, { kind, means, advice }]) => [
    code,
    [`${code}: ${means}`, `Meanwhile (${kind}): ${MEANWHILE[kind]}`, `Next step: ${advice}`],
  ]),
);
