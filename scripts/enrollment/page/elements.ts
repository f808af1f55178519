export const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
export function element(
  name: string,
  more: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(more)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export const number = (many: number): string => many.toLocaleString('en');

export function tile(many: number, words: string, isBad = false): HTMLElement {
  return element('li', {}, element('b', isBad && many > 0 ? { class: 'bad' } : {}, number(many)), words);
}

export function tableOf(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): HTMLElement {
  const cell = (value: string | number): HTMLElement =>
    typeof value === 'number' ? element('td', { class: 'number' }, number(value)) : element('td', {}, value);
  const heads = head.map((text, at) =>
    element('th', { scope: 'col', ...(typeof rows[0]?.[at] === 'number' && { class: 'number' }) }, text),
  );
  return element(
    'table',
    {},
    element('caption', { class: 'faint' }, caption),
    element('thead', {}, element('tr', {}, ...heads)),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...row.map(cell)))),
  );
}
