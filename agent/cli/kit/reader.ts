/**
 * Ends the program where its output is not taken: without a word where the reader has closed the pipe (`newleaf check | head -1`),
 * else with a sentence, as for a disk that is full.
 */
export function endWithReader(output: NodeJS.WriteStream): void {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    process.stderr.write(`The output cannot be written (${error.message}).\n`);
    process.exit(1);
  });
}
