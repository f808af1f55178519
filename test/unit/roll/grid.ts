import type { Phase } from '../../../agent/roll/phase.ts';
import { EVENTS } from './situations.ts';

/** The phase and the effects after each event, in each phase. An event that is not listed changes nothing at all. */
export const AFTER: Record<Phase, Readonly<Record<string, string>>> = {
  unprovisioned: {
    'leaf delivered': 'unprovisioned',
    started: 'generating-key, generate-key a',
    woken: 'generating-key, generate-key a',
    'woken later': 'generating-key, generate-key a',
    're-register': 'generating-key, generate-key a',
    roll: 'generating-key, generate-key a',
    'roll --discard': 'generating-key, generate-key a',
    csr: 'generating-key, generate-key a',
    'csr --new-key': 'generating-key, generate-key a',
  },
  serving: {
    'leaf delivered': 'serving',
    'leaf delivered for the current key': 'registering-next, register a',
    'woken later': 'generating-key, generate-key b',
    're-register': 'registering, register a',
    roll: 'generating-key, generate-key b',
    'roll --discard': 'generating-key, generate-key b',
    csr: 'generating-key, generate-key b',
    'csr --new-key': 'generating-key, generate-key b',
    'current connected': 'serving',
    'hub refuses current': 'registering, register a',
    'session lost': 'serving, connect a',
  },
  registering: {
    csr: 'registering, register a',
    'csr --new-key': 'registering, register a',
    'current registered': 'serving',
    'current connected': 'registering, register a',
    refusal: 'serving',
    'hub refuses current': 'registering, register a',
    'session lost': 'registering, register a, connect a',
  },
  'generating-key': {
    'key generated': 'requesting-leaf, request-leaf b',
    'current connected': 'generating-key, generate-key b',
    'hub refuses current': 'registering, register a',
    'session lost': 'generating-key, generate-key b, connect a',
  },
  'requesting-leaf': {
    'leaf delivered': 'registering-next, register b',
    'leaf delivered for the current key': 'registering-next, register a',
    'leaf issued': 'registering-next, register b',
    'current connected': 'requesting-leaf, request-leaf b',
    refusal: 'serving',
    'hub refuses current': 'registering, register a',
    'session lost': 'requesting-leaf, request-leaf b, connect a',
  },
  'registering-next': {
    'roll --discard': 'abandoning, register a',
    'next registered': 'connecting-next, connect b',
    'current connected': 'registering-next, register b',
    refusal: 'serving',
    'hub refuses current': 'registering-next, register b',
    'session lost': 'registering-next, register b, connect a',
  },
  'connecting-next': {
    'roll --discard': 'abandoning, register a',
    'current connected': 'connecting-next, connect b',
    'next connected': 'retiring-key, destroy-key a',
    refusal: 'connecting-next, connect b',
    'hub refuses current': 'connecting-next, connect b',
    'session lost': 'connecting-next, connect b, connect a',
  },
  'retiring-key': {
    'leaf delivered': 'retiring-key, destroy-key a',
    'leaf delivered for the current key': 'registering-next, register b',
    're-register': 'registering, register b',
    roll: 'retiring-key, destroy-key a',
    'roll --discard': 'retiring-key, destroy-key a',
    csr: 'retiring-key, destroy-key a',
    'csr --new-key': 'retiring-key, destroy-key a',
    'next connected': 'retiring-key, destroy-key a',
    'old key destroyed': 'serving',
    outage: 'retiring-key, destroy-key a',
    refusal: 'retiring-key, destroy-key a',
    'session lost': 'retiring-key, destroy-key a, connect b',
  },
  abandoning: {
    'current registered': 'retiring-key, destroy-key b',
    'current connected': 'abandoning, register a',
    refusal: 'serving',
    'hub refuses current': 'abandoning, register a',
    'session lost': 'abandoning, register a, connect a',
  },
  stranded: {
    'leaf delivered': 'stranded',
    'leaf delivered for the current key': 'registering-next, register a',
    'woken later': 'registering, register a',
    're-register': 'registering, register a',
    roll: 'generating-key, generate-key b',
    'roll --discard': 'generating-key, generate-key b',
    csr: 'generating-key, generate-key b',
    'csr --new-key': 'generating-key, generate-key b',
    'current connected': 'serving',
    'hub refuses current': 'registering, register a',
  },
};

const PHASES = Object.keys(AFTER) as Phase[];

/** The same as a table for people: in each column a phase, in each row an event, in each cell the phase that follows. */
export function gridTable(): string {
  const cell = (event: string, phase: Phase): string => {
    const after = AFTER[phase][event]?.split(', ')[0];
    return after === undefined ? '' : after === phase ? '•' : after;
  };
  const rows = Object.keys(EVENTS)
    .filter((event) => PHASES.some((phase) => AFTER[phase][event] !== undefined))
    .map((event) => `| ${event} | ${PHASES.map((phase) => cell(event, phase)).join(' | ')} |`);
  return [`| | ${PHASES.join(' | ')} |`, `|---|${'---|'.repeat(PHASES.length)}`, ...rows].join('\n');
}
