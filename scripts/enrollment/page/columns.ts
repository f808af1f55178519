/** The columns of the table of gateways, in this order. */
export const COLUMNS = [
  'gateway',
  'hub',
  'phase',
  'leaf ends',
  'next',
  'alarm',
  'last',
  'code',
  'issuer',
  'version',
] as const;
