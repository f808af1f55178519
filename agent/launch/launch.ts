import { join } from 'node:path';
import { damaged } from './damaged.ts';
import { goLean } from './lean.ts';
import { type Loaded, load } from './load.ts';
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
if (piece === 'whole') import('../main.ts').catch((error: unknown) => damaged(file, error));
else if (isWriting) {
  void writeCache(file).then((isTaken) => {
    process.exit(isTaken ? 0 : 1);
  });
} else loaded().begin();

function loaded(): Loaded {
  try {
    return load(file);
  } catch (error) {
    return damaged(file, error);
  }
}
