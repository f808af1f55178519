import { join } from 'node:path';
import { goLean } from './lean.ts';
import { load } from './load.ts';
import { type Piece, pieceFor } from './piece.ts';
import { sweep } from './sweep.ts';
import { writeCache } from './write.ts';

/** For what installs newleaf; `daemon` or `quick` follows. */
const WRITE = 'internal-cache';

const [first, second] = process.argv.slice(2);
const isWriting = first === WRITE && (second === 'daemon' || second === 'quick');
const piece: Piece = isWriting ? second : pieceFor(process.argv.slice(2));
const file = join(import.meta.dirname, `${piece}.js`);
if (piece === 'daemon') {
  goLean();
  if (!isWriting) sweep();
}
if (piece === 'whole') void import('../main.ts');
else if (isWriting) {
  void writeCache(file).then((isTaken) => {
    process.exit(isTaken ? 0 : 1);
  });
} else load(file).begin();
