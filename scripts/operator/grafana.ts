import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dashboard, GridPos, Panel } from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';

/** The label by which Prometheus tells gateways apart. */
const BY = 'instance';
/** By a variable of Grafana: the source that is chosen above the panels. */
const SOURCE = { type: 'prometheus', uid: '$source' };

interface Shown {
  readonly title: string;
  readonly description: string;
  readonly expr: string;
  readonly unit?: string;
  /** From this number on it is red. */
  readonly red?: number;
}

const STATS: readonly Shown[] = [
  { title: 'Gateways', description: 'Those that Prometheus has asked.', expr: 'count(newleaf_online)' },
  {
    title: 'Offline',
    description: 'No session with the hub.',
    expr: 'count(newleaf_online == 0) or vector(0)',
    red: 1,
  },
  {
    title: 'Parked',
    description: 'The next leaf waits for its enrollment: enroll it.',
    expr: 'sum(newleaf_parked)',
    red: 1,
  },
  {
    title: 'Stranded',
    description: 'Every automatic way has been refused: a person is needed.',
    expr: 'sum(newleaf_stranded)',
    red: 1,
  },
  {
    title: 'Not done',
    description: 'The last request was not done.',
    expr: 'count(newleaf_last_outcome_done == 0) or vector(0)',
    red: 1,
  },
  {
    title: 'Leaf ends within 7 days',
    description: 'Or has ended.',
    expr: 'count(newleaf_leaf_not_after_seconds - time() < 7 * 86400) or vector(0)',
    red: 1,
  },
  {
    title: 'Onboarding ends within 90 days',
    description: 'The certificate by which DPS knows a gateway whose leaves Azure issues.',
    expr: 'count(newleaf_onboarding_not_after_seconds - time() < 90 * 86400) or vector(0)',
    red: 1,
  },
  {
    title: 'Renewal pending',
    description: 'A leaf is asked for, and has not come.',
    expr: 'sum(newleaf_renewal_pending)',
  },
];

const SERIES: readonly Shown[] = [
  { title: 'Sessions', description: 'Gateways with a session.', expr: 'sum(newleaf_online)' },
  {
    title: 'Time until the leaf ends, the ten shortest',
    description: 'It falls, and jumps up with each roll.',
    expr: 'bottomk(10, newleaf_leaf_not_after_seconds - time())',
    unit: 's',
  },
  {
    title: 'Flapping',
    description: 'Sessions in a row that ended within a minute.',
    expr: 'topk(10, newleaf_flaps) > 0',
  },
  { title: 'Braked', description: 'The same work, again and again without success.', expr: 'newleaf_braked == 1' },
];

function panel(type: string, { title, description, expr, unit, red }: Shown, id: number, gridPos: GridPos): Panel {
  const steps = [{ value: null, color: 'green' }, ...(red === undefined ? [] : [{ value: red, color: 'red' }])];
  return {
    id,
    type,
    title,
    description,
    gridPos,
    datasource: SOURCE,
    targets: [{ refId: 'A', expr, datasource: SOURCE, legendFormat: `{{${BY}}}` }],
    fieldConfig: {
      defaults: { ...(unit && { unit }), thresholds: { mode: 'absolute' as never, steps } },
      overrides: [],
    },
    options: {},
  };
}

/** Checked by the types of Grafana (`@grafana/schema`). */
export const DASHBOARD: Dashboard = {
  uid: 'newleaf-fleet',
  title: 'newleaf: fleet',
  description: 'Gateways that keep their leaf by newleaf, from the metrics of each.',
  tags: ['newleaf'],
  schemaVersion: 39,
  version: 1,
  editable: true,
  time: { from: 'now-7d', to: 'now' },
  refresh: '1m',
  templating: {
    list: [{ name: 'source', label: 'Prometheus', type: 'datasource', query: 'prometheus' }],
  },
  panels: [
    ...STATS.map((one, at) => panel('stat', one, at + 1, { x: 3 * at, y: 0, w: 3, h: 4 })),
    ...SERIES.map((one, at) =>
      panel('timeseries', one, 11 + at, { x: 12 * (at % 2), y: 4 + 8 * Math.floor(at / 2), w: 12, h: 8 }),
    ),
  ],
};

if (process.argv[1] === import.meta.filename) {
  const text = `${JSON.stringify(DASHBOARD, undefined, 2)}\n`;
  writeFileSync(join(import.meta.dirname, 'grafana.json'), text);
}
