import { matrixTable, ROWS, rowsIn } from '../test/matrix/table.ts';
import { lastingTable } from './lasting.ts';
import { arrowsTable } from './pages/arrows.ts';
import { type Parts, renewBlocks, writeBlocks } from './pages/blocks.ts';
import { renewCounts } from './pages/evening.ts';
import { askingTable, settlingTable } from './pages/rows.ts';
import { codesList, metricsTable, settingsList, storiesSections, uplinkMetricsTable } from './pages/tables.ts';

const BY = 'scripts/readme.ts';

/** The blocks that are derived from the source, by the name in their markers: `npx tsx scripts/readme.ts [PAGE…]` */
export const PARTS: Parts = {
  arrows: arrowsTable,
  asking: askingTable,
  codes: codesList,
  evening: renewCounts,
  lasting: lastingTable,
  matrix: () => matrixTable(rowsIn(ROWS)),
  metrics: metricsTable,
  settings: settingsList,
  settling: settlingTable,
  stories: storiesSections,
  'uplink-metrics': uplinkMetricsTable,
};

/** A page with its derived blocks made anew. */
export const renew = (text: string): string => renewBlocks(text, BY, PARTS);

if (process.argv[1] === import.meta.filename) writeBlocks(BY, PARTS, process.argv.slice(2));
