import { BarController, BarElement, CategoryScale, Chart, LinearScale, Tooltip } from 'chart.js';
import { calendar, dayOf, weeksOf } from './calendar.ts';
import { COLUMNS } from './columns.ts';
import { byId, element, number, tableOf, tile } from './elements.ts';
import type { Model } from './model.ts';

Chart.register(BarController, BarElement, CategoryScale, LinearScale, Tooltip);

const model: Model = JSON.parse(byId('model').textContent ?? '');

const told = model.sum as {
  readonly devices: number;
  readonly connected: number;
  readonly withoutNewleaf: number;
  readonly phase: Readonly<Record<string, number>>;
  readonly next: Readonly<Record<string, number>>;
  readonly alarm: Readonly<Record<string, number>>;
  readonly expired: number;
  readonly endsWithinDays: { readonly days: number; readonly devices: number };
};

function overview(): void {
  const which = model.condition === null ? 'all devices' : `devices with ${model.condition}`;
  byId('about').textContent =
    `${which} of ${model.hub}, as their twins told at ${model.at}. A query of a hub may lag behind by minutes.`;
  const [oldest] = Object.keys(model.versions);
  byId('tiles').append(
    tile(told.devices, 'devices'),
    tile(told.connected, 'connected'),
    tile(told.devices - told.connected, 'offline', true),
    tile(told.next.parked ?? 0, 'parked', true),
    tile(told.phase.stranded ?? 0, 'stranded', true),
    tile(told.expired, 'leaf has ended', true),
    tile(told.endsWithinDays.devices, `leaf ends within ${told.endsWithinDays.days} days`),
    tile(told.withoutNewleaf, 'without newleaf'),
    element('li', {}, element('b', {}, oldest ?? '-'), 'oldest newleaf'),
  );
}

function wrong(): void {
  const place = byId('wrong');
  if (model.wrong.length === 0) place.append(element('p', {}, 'Nothing.'));
  for (const { what, meaning, devices, commands } of model.wrong) {
    place.append(
      element('h3', {}, `${number(devices)} × ${what}`),
      element('p', {}, meaning),
      ...commands.map((text) => element('pre', {}, element('code', {}, text))),
    );
  }
}

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const charts: Chart[] = [];

/** The same numbers stand below it as a table. */
function bars(id: string, counts: Readonly<Record<string, number>>, axis: 'x' | 'y', about: string): void {
  const labels = Object.keys(counts);
  const canvas = byId<HTMLCanvasElement>(id);
  canvas.setAttribute('aria-label', `${about} ${labels.map((label) => `${label}: ${counts[label]}`).join(', ')}`);
  const scale = { ticks: { color: colour('--ink') }, grid: { color: colour('--line') } };
  charts.push(
    new Chart(canvas, {
      type: 'bar',
      data: {
        labels,
        datasets: [{ label: 'gateways', data: Object.values(counts), backgroundColor: colour('--bar') }],
      },
      options: {
        indexAxis: axis,
        animation: false,
        maintainAspectRatio: false,
        scales: { x: { ...scale, beginAtZero: true }, y: { ...scale, beginAtZero: true } },
      },
    }),
  );
}

function draw(): void {
  for (const chart of charts.splice(0)) chart.destroy();
  bars('ends', weeksOf(model.ends, model.at), 'x', 'Bars: leaves that end, by week.');
  bars('issuers', model.issuers, 'y', 'Bars: leaves by issuer.');
}

function tables(): void {
  const rows = (counts: Readonly<Record<string, number>>) => Object.entries(counts);
  byId('issuer-table').append(tableOf('Leaves by issuer', ['issuer', 'gateways'], rows(model.issuers)));
  byId('phases').append(tableOf('Gateways by phase', ['phase', 'gateways'], rows(told.phase)));
  byId('versions').append(
    tableOf('Gateways by version of newleaf, the oldest first', ['version', 'gateways'], rows(model.versions)),
  );
  for (const { title, weeks } of calendar(model.ends, model.at)) {
    const cells = (week: readonly (string | undefined)[]) =>
      week.map((day) => {
        const many = day === undefined ? 0 : (model.ends[day] ?? 0);
        return element(
          'td',
          {},
          ...(day === undefined ? [] : [String(dayOf(day))]),
          ...(many > 0 ? [element('b', {}, number(many))] : []),
        );
      });
    byId('calendar').append(
      element(
        'table',
        {},
        element('caption', {}, title),
        element(
          'thead',
          {},
          element(
            'tr',
            {},
            ...['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su'].map((day) => element('th', { scope: 'col' }, day)),
          ),
        ),
        element('tbody', {}, ...weeks.map((week) => element('tr', {}, ...cells(week)))),
      ),
    );
  }
}

const PAGE = 200;
/** All columns of a gateway as texts. */
const cellsOf = ([id, ...places]: Model['rows'][number]): string[] => [
  id,
  ...places.map((place) => model.texts[place] ?? ''),
];

function gateways(): void {
  const all = model.rows.map(cellsOf);
  let [sortedBy, isDown, shown] = [0, false, PAGE];
  const body = element('tbody');
  const heads = COLUMNS.map((name, at) => {
    const button = element('button', { type: 'button' }, name);
    button.addEventListener('click', () => {
      [sortedBy, isDown] = [at, at === sortedBy && !isDown];
      show();
    });
    return element('th', { scope: 'col' }, button);
  });
  byId('table').append(element('table', {}, element('thead', {}, element('tr', {}, ...heads)), body));

  function show(): void {
    const wanted = byId<HTMLInputElement>('search').value.trim().toLowerCase();
    const found = wanted === '' ? all : all.filter((row) => row.some((cell) => cell.toLowerCase().includes(wanted)));
    const order = (one: readonly string[], other: readonly string[]): number => {
      const [left = '', right = ''] = [one[sortedBy], other[sortedBy]];
      return (left < right ? -1 : left > right ? 1 : 0) * (isDown ? -1 : 1);
    };
    const rows = found.toSorted(order).slice(0, shown);
    heads.forEach((head, at) => {
      if (at === sortedBy) head.setAttribute('aria-sort', isDown ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    body.replaceChildren(...rows.map((row) => element('tr', {}, ...row.map((cell) => element('td', {}, cell)))));
    byId('found').textContent =
      `${number(found.length)} of ${number(all.length)} gateways, ${number(rows.length)} shown`;
    byId('more').hidden = rows.length === found.length;
  }

  byId('search').addEventListener('input', () => {
    shown = PAGE;
    show();
  });
  byId('more').addEventListener('click', () => {
    shown *= 5;
    show();
  });
  show();
}

overview();
wrong();
tables();
gateways();
draw();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
for (const moment of ['beforeprint', 'afterprint']) addEventListener(moment, draw);
